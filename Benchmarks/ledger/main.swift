// SPDX-License-Identifier: Apache-2.0

// What the ledger costs a node, measured with the rules and the file of a real one and with
// members that are not there: README.md beside this folder tells more.
//
//     make bench-ledger [ARGS="flat 365"]

import Glibc
import NetronEngine

let usage =
    "usage: flat [DAYS] | apply [BLOCKS] | full [MEMBERS] | light [MEMBERS] | reconcile [MEMBERS]"
    + " | join [MEMBERS] | all"
let arguments = Array(CommandLine.arguments.dropFirst())
let number = arguments.count > 1 ? Int(arguments[1]) : nil
guard arguments.count <= 1 || number.map({ $0 > 0 }) == true else { fatalError(usage) }

let stages: [String: (String) throws -> Void] = [
    "flat": { try Flat.run(in: $0, days: number ?? 365) },
    "apply": { try Stages.apply(in: $0, blocks: number ?? 50_000) },
    "full": { try Stages.full(in: $0, members: number ?? 10_000) },
    "light": { try Light.run(in: $0, members: number ?? 100_000) },
    "reconcile": { _ in try Meeting.reconcile(members: number ?? 100_000) },
    "join": { _ in try Meeting.join(members: number ?? 10_000) },
]
let wanted = arguments.first ?? "all"
if wanted == "authors", let number {
    var authors = try FlatAuthors()  // for `flat`, which starts this
    try authors.speak(days: number)
    exit(0)
}
let names = wanted == "all" ? ["flat", "apply", "full", "light", "reconcile", "join"] : [wanted]
for name in names {
    guard let stage = stages[name] else { fatalError(usage) }
    // The folder stays, what lies in it does not.
    let folder = "/tmp/netron-ledger-bench-\(name)"
    try Files.makeDirectory(folder)
    func clear() {
        for file in ["ledger.mdb", "ledger.mdb.lock"] { try? Files.remove("\(folder)/\(file)") }
    }
    clear()  // of a run that was ended
    defer { clear() }
    print("\n\(name):")
    try stage(folder)
}
