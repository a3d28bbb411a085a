// SPDX-License-Identifier: Apache-2.0
//! Two nodes in one process shake hands and pass a packet each way, through the C library and
//! without a crate:
//!   rustc --edition 2021 two_engines.rs -L native=$(pkg-config --variable=libdir netronfast)

use std::ffi::{c_char, c_int, CStr};
use std::ptr;

const ROUNDS_MAX: usize = 64;
const EVENT_PEER_UP: u32 = 1;
const MILLISECOND_NS: u64 = 1_000_000;
const SECRET: &[u8] = b"a secret of at least 16 bytes";

/// The library's handle: only ever behind a pointer.
#[repr(C)]
struct Engine {
    _private: [u8; 0],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Endpoint {
    address: [u8; 16],
    scope: u32,
    port: u16,
    reserved: u16,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Prefix {
    address: [u8; 16],
    family: u8,
    length: u8,
    reserved: [u8; 2],
}

#[repr(C)]
struct Options {
    size: u32,
    peers_max: u32,
    suites: u32,
    lanes: u32,
    mtu: u32,
    backend: u32,
    identity_seed: [u8; 32],
    network_secret: *const u8,
    network_secret_length: usize,
    epoch_seconds: u64,
    random_seed: u64,
    datagrams: u32,
    idle_ends: u32,
}

#[repr(C)]
struct Event {
    kind: u32,
    code: i32,
    id: [u8; 32],
    endpoint: Endpoint,
    token: u64,
    rtt_ns: u64,
    wall_ms: u64,
    length: u32,
    reserved: u32,
    bytes: [u8; 1152],
}

#[link(name = "netronfast")]
extern "C" {
    fn netron_error_text(error: c_int) -> *const c_char;
    fn netron_identity_new(seed: *mut u8);
    fn netron_engine_new(out: *mut *mut Engine, options: *const Options) -> c_int;
    fn netron_engine_free(engine: *mut Engine);
    fn netron_engine_id(engine: *const Engine, id: *mut u8);
    fn netron_engine_set_time(engine: *mut Engine, wall_ms: u64, now: u64);
    fn netron_engine_dial(engine: *mut Engine, to: *const Endpoint, id: *const u8, now: u64)
        -> c_int;
    fn netron_engine_set_prefixes(
        engine: *mut Engine, id: *const u8, prefixes: *const Prefix, count: usize, now: u64,
    ) -> c_int;
    fn netron_engine_receive(
        engine: *mut Engine, bytes: *const u8, length: usize, from: *const Endpoint, tos: u8,
        now: u64,
    ) -> c_int;
    fn netron_engine_send_packet(
        engine: *mut Engine, packet: *const u8, length: usize, now: u64,
    ) -> c_int;
    fn netron_engine_poll_datagram(
        engine: *mut Engine, buffer: *mut u8, capacity: usize, to: *mut Endpoint, tos: *mut u8,
    ) -> c_int;
    fn netron_engine_poll_packet(engine: *mut Engine, buffer: *mut u8, capacity: usize) -> c_int;
    fn netron_engine_poll_event(engine: *mut Engine, event: *mut Event) -> c_int;
    fn netron_engine_tick(engine: *mut Engine, now: u64);
}

/// What a call gave: a number, or the library's words for the error.
fn check(result: c_int) -> Result<usize, String> {
    usize::try_from(result).map_err(|_| {
        // The text is static and never NULL.
        unsafe { CStr::from_ptr(netron_error_text(result)) }.to_string_lossy().into_owned()
    })
}

/// Owns one engine.
struct Node {
    name: &'static str,
    engine: *mut Engine,
    endpoint: Endpoint,
    inside: Prefix,
    up: bool,
}

impl Drop for Node {
    fn drop(&mut self) {
        unsafe { netron_engine_free(self.engine) }
    }
}

impl Node {
    fn new(name: &'static str, number: u8, now: u64) -> Result<Node, String> {
        let mut options = Options {
            size: std::mem::size_of::<Options>() as u32,
            peers_max: 0,
            suites: 0,
            lanes: 0,
            mtu: 0,
            backend: 0,
            identity_seed: [0; 32],
            network_secret: SECRET.as_ptr(),
            network_secret_length: SECRET.len(),
            epoch_seconds: 0,
            random_seed: 0,
            datagrams: 0,
            idle_ends: 0,
        };
        let mut engine = ptr::null_mut();
        unsafe {
            netron_identity_new(options.identity_seed.as_mut_ptr());
            check(netron_engine_new(&mut engine, &options))?;
            netron_engine_set_time(engine, 1_790_000_000_000, now);
        }
        let outside = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, number];
        let mut inside = Prefix { family: 4, length: 32, ..Prefix::default() };
        inside.address[..4].copy_from_slice(&[10, 1, 0, number]);
        let endpoint = Endpoint { address: outside, port: 4242, ..Endpoint::default() };
        Ok(Node { name, engine, endpoint, inside, up: false })
    }

    fn dial(&mut self, other: &Node, now: u64) -> Result<(), String> {
        let mut id = [0; 32];
        unsafe {
            netron_engine_id(other.engine, id.as_mut_ptr());
            check(netron_engine_dial(self.engine, &other.endpoint, id.as_ptr(), now))?;
        }
        Ok(())
    }

    /// Hands our datagrams to `other`, and looks at what happened to us.
    fn carry(&mut self, other: &mut Node, now: u64) -> Result<(), String> {
        let (mut buffer, mut to, mut tos) = ([0u8; 4096], Endpoint::default(), 0u8);
        loop {
            let length = check(unsafe {
                netron_engine_poll_datagram(
                    self.engine, buffer.as_mut_ptr(), buffer.len(), &mut to, &mut tos,
                )
            })?;
            if length == 0 {
                break;
            }
            check(unsafe {
                netron_engine_receive(
                    other.engine, buffer.as_ptr(), length, &self.endpoint, tos, now,
                )
            })?;
        }
        // All fields are numbers, for which zeros are values.
        let mut event: Event = unsafe { std::mem::zeroed() };
        while unsafe { netron_engine_poll_event(self.engine, &mut event) } == 1 {
            if event.kind == EVENT_PEER_UP {
                println!("{}: session", self.name);
                self.up = true;
                check(unsafe {
                    netron_engine_set_prefixes(
                        self.engine, event.id.as_ptr(), &other.inside, 1, now,
                    )
                })?;
            }
        }
        unsafe { netron_engine_tick(self.engine, now) };
        Ok(())
    }

    /// IPv4 with a UDP datagram in it (without a checksum, which IPv4 allows).
    fn packet_to(&self, other: &Node, text: &[u8]) -> Vec<u8> {
        let length = (28 + text.len()) as u8;
        let mut packet = vec![0x45, 0, 0, length, 0, 0, 0, 0, 64, 17, 0, 0];
        packet.extend_from_slice(&self.inside.address[..4]);
        packet.extend_from_slice(&other.inside.address[..4]);
        let words = packet.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
        let sum: u32 = words.sum();
        let sum = (sum & 0xffff) + (sum >> 16);
        let checksum = !((sum + (sum >> 16)) as u16);
        packet[10..12].copy_from_slice(&checksum.to_be_bytes());
        packet.extend_from_slice(&[0, 9, 0, 9, 0, (8 + text.len()) as u8, 0, 0]);
        packet.extend_from_slice(text);
        packet
    }
}

fn pass(from: &mut Node, to: &mut Node, now: &mut u64) -> Result<(), String> {
    let sent = from.packet_to(to, b"hello");
    check(unsafe { netron_engine_send_packet(from.engine, sent.as_ptr(), sent.len(), *now) })?;
    let mut got = [0u8; 2048];
    for _ in 0..ROUNDS_MAX {
        *now += MILLISECOND_NS;
        from.carry(to, *now)?;
        to.carry(from, *now)?;
        let length = check(unsafe {
            netron_engine_poll_packet(to.engine, got.as_mut_ptr(), got.len())
        })?;
        if length > 0 {
            if got[..length] != sent[..] {
                return Err("the packet is not the one that was sent".into());
            }
            println!("{} to {}: a packet", from.name, to.name);
            return Ok(());
        }
    }
    Err("the packet did not arrive".into())
}

fn main() -> Result<(), String> {
    let mut now = 1_000_000_000; // a clock of our own, in nanoseconds
    let mut ada = Node::new("ada", 1, now)?;
    let mut bob = Node::new("bob", 2, now)?;

    ada.dial(&bob, now)?;
    for _ in 0..ROUNDS_MAX {
        now += MILLISECOND_NS; // a way takes 1 ms
        ada.carry(&mut bob, now)?;
        bob.carry(&mut ada, now)?;
        if ada.up && bob.up {
            break;
        }
    }
    if !ada.up || !bob.up {
        return Err("no session came about".into());
    }
    pass(&mut ada, &mut bob, &mut now)?;
    pass(&mut bob, &mut ada, &mut now)
}
