// SPDX-License-Identifier: Apache-2.0

/// Values that are found by a number, which is used again when its value has gone.
struct Slab<Value> {
    /// What lies where no value is.
    private let vacant: Value
    private var values: [Value] = []
    // Odd while there is a value; so it tells values apart that had the same number.
    private var generations: [UInt32] = []
    private var free: [Int] = []

    init(vacant: Value) { self.vacant = vacant }

    /// How many there are.
    var count: Int { values.count - free.count }

    /// The numbers of all that are there.
    var indices: [Int] { values.indices.filter { generations[$0] % 2 == 1 } }

    mutating func insert(_ value: Value) -> Int {
        if let index = free.popLast() {
            values[index] = value
            generations[index] &+= 1
            return index
        }
        values.append(value)
        generations.append(1)
        return values.count - 1
    }

    @discardableResult
    mutating func remove(at index: Int) -> Value {
        precondition(generations[index] % 2 == 1, "nothing is at \(index)")
        let value = values[index]
        values[index] = vacant
        generations[index] &+= 1
        free.append(index)
        return value
    }

    /// What tells the value at a number from those that had the number before.
    func generation(of index: Int) -> UInt32 { generations[index] }

    /// Whether the value is still there that a number and a generation named.
    func has(_ index: Int, _ generation: UInt32) -> Bool {
        index < values.count && generations[index] == generation && generation % 2 == 1
    }

    subscript(index: Int) -> Value {
        get { values[index] }
        _modify { yield &values[index] }
    }
}
