// SPDX-License-Identifier: Apache-2.0

internal import NetronCommand

@main
enum Main {
    static func main() { Program.run() }
}
