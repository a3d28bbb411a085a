-- SPDX-License-Identifier: Apache-2.0
-- netron.lua - a Wireshark dissector of what Netron says over UDP: types 1 to 9, all that is not
-- encrypted. Put it into Wireshark's folder of personal plugins, or call
-- tshark -X lua_script:netron.lua
--
-- The port is any, so a conversation is recognized by its handshake, whose messages have fixed
-- lengths and a version. For a capture that begins later: "Decode As" the port, or the preference.

local netron = Proto("netron", "Netron")

local HEADER_BYTES, TAG_BYTES, SHIM_BYTES = 16, 16, 8

local types = {
    [1] = "Handshake message 1",
    [2] = "Handshake message 2",
    [3] = "Handshake message 3",
    [4] = "Cookie",
    [5] = "Data",
    [6] = "Control",
    [7] = "Link",
    [8] = "Fragment",
    [9] = "Relay",
}

-- Lengths of the messages of a handshake; those of a session are HEADER + TAG or more.
local lengths = { [1] = 160, [2] = 152, [3] = 112, [4] = 64 }

local f = {
    type = ProtoField.uint8("netron.type", "Type", base.DEC, types),
    flags = ProtoField.uint8("netron.flags", "Flags", base.HEX),
    epoch = ProtoField.uint8("netron.flags.epoch", "Epoch mod 4", base.DEC, nil, 0x03),
    clockless = ProtoField.bool("netron.flags.clockless", "Clockless key", 8, nil, 0x04),
    checksummed = ProtoField.bool(
        "netron.flags.checksummed", "L4 checksum vouched for", 8, nil, 0x01),
    version = ProtoField.uint8("netron.version", "Version"),
    reserved = ProtoField.uint16("netron.reserved", "Reserved", base.HEX),
    receiver = ProtoField.uint32("netron.receiver", "Receiver index", base.HEX),
    receiver_lane = ProtoField.uint8("netron.receiver.lane", "Receiver's lane"),
    ephemeral = ProtoField.bytes("netron.ephemeral", "Ephemeral key (X25519)"),
    static = ProtoField.bytes("netron.static", "Static key, sealed"),
    payload = ProtoField.bytes("netron.payload", "Payload, sealed"),
    tag = ProtoField.bytes("netron.tag", "Tag"),
    nonce = ProtoField.bytes("netron.nonce", "Nonce"),
    cookie = ProtoField.bytes("netron.cookie", "Cookie, sealed"),
    counter = ProtoField.uint64("netron.counter", "Counter", base.HEX),
    lane = ProtoField.uint8("netron.counter.lane", "Sender's lane"),
    sequence = ProtoField.uint64("netron.counter.sequence", "Sequence", base.DEC),
    hops = ProtoField.uint8("netron.hops", "Relays it may pass yet"),
    circuit = ProtoField.uint32("netron.circuit", "Circuit id", base.HEX),
    inner = ProtoField.uint32("netron.inner_length", "Inner length"),
}
netron.fields = f

local malformed = ProtoExpert.new(
    "netron.malformed", "Not a message of the protocol",
    expert.group.MALFORMED, expert.severity.WARN)
netron.experts = { malformed }

netron.prefs.port = Pref.uint("UDP port", 0, "A port that is always Netron's; 0 for none")

-- What follows the receiver index of a handshake message: name and length, in order.
local parts = {
    [1] = { { f.ephemeral, 32 }, { f.payload, 108 }, { f.tag, 16 } },
    [2] = { { f.ephemeral, 32 }, { f.static, 48 }, { f.payload, 48 }, { f.tag, 16 } },
    [3] = { { f.static, 48 }, { f.payload, 40 }, { f.tag, 16 } },
    [4] = { { f.nonce, 24 }, { f.cookie, 16 }, { f.tag, 16 } },
}

local function well_formed(buffer)
    if buffer:len() < 4 then
        return false
    end
    local kind, flags = buffer(0, 1):uint(), buffer(1, 1):uint()
    if lengths[kind] then
        return buffer:len() == lengths[kind] and flags <= 7
            and buffer(2, 1):uint() == 1 and buffer(3, 1):uint() == 0
    end
    if kind == 9 then
        return buffer:len() >= SHIM_BYTES + HEADER_BYTES + TAG_BYTES and flags <= 2
            and buffer(2, 2):uint() == 0 and buffer(SHIM_BYTES, 1):uint() ~= 9
            and well_formed(buffer(SHIM_BYTES):tvb())
    end
    return kind >= 5 and kind <= 8 and buffer:len() >= HEADER_BYTES + TAG_BYTES
        and flags <= 1 and buffer(2, 2):uint() == 0
end

local function add_receiver(tree, buffer)
    local index = buffer(4, 4)
    tree:add_le(f.receiver, index)
    tree:add(f.receiver_lane, index, index:le_uint() % 8)
    return string.format("to 0x%08x", index:le_uint())
end

local function dissect_handshake(buffer, tree, kind)
    local flags = tree:add(f.flags, buffer(1, 1))
    flags:add(f.epoch, buffer(1, 1))
    flags:add(f.clockless, buffer(1, 1))
    tree:add(f.version, buffer(2, 1))
    local text, at = "", 4
    if kind ~= 1 then
        text, at = add_receiver(tree, buffer), 8
    end
    for _, part in ipairs(parts[kind]) do
        tree:add(part[1], buffer(at, part[2]))
        at = at + part[2]
    end
    return text
end

local function dissect_session(buffer, tree)
    tree:add(f.flags, buffer(1, 1)):add(f.checksummed, buffer(1, 1))
    tree:add(f.reserved, buffer(2, 2))
    local text = add_receiver(tree, buffer)
    -- The lane is the 3 high bits of the counter, the sequence all below.
    local counter = buffer(8, 8)
    local lane = math.floor(buffer(15, 1):uint() / 32)
    local sequence = UInt64(counter(0, 4):le_uint(), counter(4, 4):le_uint() % 0x20000000)
    local item = tree:add_le(f.counter, counter)
    item:add(f.lane, buffer(15, 1), lane)
    item:add(f.sequence, counter, sequence)
    local inner = buffer:len() - HEADER_BYTES - TAG_BYTES
    if inner > 0 then
        tree:add(f.payload, buffer(HEADER_BYTES, inner))
    end
    tree:add(f.tag, buffer(buffer:len() - TAG_BYTES, TAG_BYTES))
    tree:add(f.inner, inner):set_generated()
    return string.format("%s, lane %d, sequence %s, %d bytes inside", text, lane,
        tostring(sequence), inner)
end

function netron.dissector(buffer, info, root)
    if buffer:len() == 0 then
        return 0
    end
    local kind = buffer(0, 1):uint()
    if kind < 1 or kind > 15 then
        return 0 -- another protocol that shares the port
    end
    info.cols.protocol = "Netron"
    local tree = root:add(netron, buffer())
    tree:add(f.type, buffer(0, 1))
    if not well_formed(buffer) then
        tree:add_proto_expert_info(malformed)
        info.cols.info = "Malformed"
        return buffer:len()
    end
    local whole, prefix = buffer:len(), ""
    if kind == 9 then -- what it carries is a datagram of its own
        local id = buffer(4, 4)
        tree:add(f.hops, buffer(1, 1))
        tree:add(f.reserved, buffer(2, 2))
        tree:add_le(f.circuit, id)
        prefix = string.format("Relay, circuit 0x%08x: ", id:le_uint())
        buffer = buffer(SHIM_BYTES):tvb()
        kind = buffer(0, 1):uint()
        tree:add(f.type, buffer(0, 1))
    end
    local dissect = lengths[kind] and dissect_handshake or dissect_session
    local text = dissect(buffer, tree, kind)
    info.cols.info = prefix .. (text == "" and types[kind] or types[kind] .. ", " .. text)
    return whole
end

local function guess(buffer, info, root)
    if buffer:len() == 0 or not lengths[buffer(0, 1):uint()] or not well_formed(buffer) then
        return false
    end
    info.conversation = netron
    netron.dissector(buffer, info, root)
    return true
end

netron:register_heuristic("udp", guess)

local ports = DissectorTable.get("udp.port")
ports:add_for_decode_as(netron)
local port = 0
function netron.prefs_changed()
    if port ~= 0 then
        ports:remove(port, netron)
    end
    port = netron.prefs.port
    if port ~= 0 then
        ports:add(port, netron)
    end
end
