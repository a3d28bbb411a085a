// SPDX-License-Identifier: Apache-2.0

// A program that runs a node speaks of ids, addresses and reports too, and gets their names along.
@_exported public import NetronAPI
@_exported public import NetronWire
