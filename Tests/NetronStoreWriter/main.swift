// SPDX-License-Identifier: Apache-2.0

// A process of its own for the tests of the store: it can be killed, shut out and starved. Each
// line that it writes is a fact, told when it is one.

internal import Glibc
internal import NetronStore
internal import NetronWire

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { fatalError("NetronStoreWriter VERB FILE [USER]") }
let options = StoreOptions(network: [1, 2, 3], fileBytesMax: 8 << 20)

do throws(StoreError) {
    switch arguments[1] {
    case "count": try count(arguments[2])
    case "hold": try hold(arguments[2])
    case "fill": try fill(arguments[2])
    case "open": try open(arguments[2])
    case "memory": try memory(arguments[2])
    case "open-as":
        guard let user = arguments.dropFirst(3).first.flatMap({ uid_t($0) }), setuid(user) == 0
        else {
            fatalError("another user")
        }
        try open(arguments[2])
    default: fatalError("no such verb")
    }
} catch {
    say("\(error.kind)")
}

/// Writes the numbers from the first that is missing on, and tells each that is kept.
func count(_ file: String) throws(StoreError) {
    var store = try Store.open(file, options)
    var number = try store.count(of: .heads)
    while true {
        try store.write { transaction throws(StoreError) in
            try transaction.put(value(number), for: key(number), in: .heads)
            try transaction.put(value(number), for: [0], in: .states)
        }
        say("\(number)")
        number += 1
        if number % 7 == 0 { try store.compact() }
    }
}

/// Opens the store, and has it until standard input ends.
func hold(_ file: String) throws(StoreError) {
    let store = try Store.open(file, options)
    say("open")
    while readLine() != nil {}
    say("\(try store.count(of: .heads))")
}

/// Writes numbers until that fails, then looks whether all that were kept are there.
func fill(_ file: String) throws(StoreError) {
    var store = try Store.open(file, options)
    var number = 0
    do throws(StoreError) {
        while true {
            try store.write { transaction throws(StoreError) in
                try transaction.put(value(number), for: key(number), in: .heads)
            }
            number += 1
        }
    } catch {
        say("\(error.kind)")
    }
    try look(store, number)
    store = try reopened(file, after: store)
    try look(store, number)
    say(number > 10 ? "kept" : "kept only \(number)")
}

func look(_ store: borrowing Store, _ number: Int) throws(StoreError) {
    try store.verify()
    for number in 0..<number {
        guard try store.value(of: key(number), in: .heads) == value(number) else {
            fatalError("\(number) is lost")
        }
    }
}

func reopened(_ file: String, after store: consuming Store) throws(StoreError) -> Store {
    _ = consume store
    return try Store.open(file, options)
}

func open(_ file: String) throws(StoreError) {
    _ = try Store.open(file, options)
    say("open")
}

/// Tells how much of the process's own memory it takes to open a store, and then to compact it.
func memory(_ file: String) throws(StoreError) {
    let before = anonymousBytes()
    var store = try Store.open(file, options)
    say("\(anonymousBytes() - before)")
    for _ in 0..<5 { try store.compact() }
    say("\(anonymousBytes() - before)")
}

/// Memory of this process that is no file's.
func anonymousBytes() -> Int {
    let file = unsafe fopen("/proc/self/status", "r")
    defer { unsafe fclose(file) }
    var kibibytes = 0
    while let line = unsafe readLine(of: file) {
        if line.hasPrefix("RssAnon:") { kibibytes = Int(line.filter(\.isNumber)) ?? 0 }
    }
    return kibibytes << 10
}

func readLine(of file: UnsafeMutablePointer<FILE>?) -> String? {
    var bytes = [CChar](repeating: 0, count: 256)
    guard unsafe fgets(&bytes, 256, file) != nil else { return nil }
    return String(decoding: bytes.map { UInt8(bitPattern: $0) }.prefix { $0 != 0 }, as: UTF8.self)
}

func key(_ number: Int) -> [UInt8] {
    var key: [UInt8] = []
    key.append(bigEndian: UInt32(number))
    return key
}

func value(_ number: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(number % 251), count: number % 5000)
}

func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = unsafe write(1, bytes, bytes.count)
}
