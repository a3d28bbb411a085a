// SPDX-License-Identifier: Apache-2.0

package import NetronProtocol
package import NetronWire

/// Many nodes in one thread, with one clock that jumps and one seed.
///
/// Everything that happens is an event in the order of (time, sequence). What the packet core does
/// is modelled here, for all nodes at once: handshakes are in WorldDials.swift, sessions in
/// WorldSessions.swift, what nodes want done in WorldEffects.swift, lives in WorldNodes.swift.
package final class World<Node: SimulatedNode> {
    package typealias Factory = (Birth<Node.Memory>) -> Newborn<Node>

    package let seed: UInt64
    package let settings: WorldSettings
    let factory: Factory

    /// Nanoseconds since the world began.
    package internal(set) var now: UInt64 = 0
    /// How many events there were: of the queue, and those that a node handled.
    package internal(set) var eventCount: UInt64 = 0
    package internal(set) var handledCount: UInt64 = 0
    package internal(set) var failure: WorldFailure?
    /// What each node sent and received, in all its lives.
    package internal(set) var traffic: [Traffic] = []
    /// What nodes tell their users, for whoever wants to know.
    package var onNotice: ((_ node: Int, _ notice: Notice) -> Void)?
    /// Each control message that is sent.
    package var onSend: ((_ node: Int, _ other: Int, _ bytes: [UInt8]) -> Void)?
    package var checkers: [Checker<Node>] = [] {
        didSet { stepCheckers = checkers.filter { $0.moment == .step } }
    }

    var stepCheckers: [Checker<Node>] = []
    var queue = EventQueue()
    var hosts: [Host] = []
    var nodes: [Node?] = []
    var memories: [Node.Memory?] = []
    var network: Network
    var random: SeededRandom
    var trace: Trace
    var packets = Slab<Packet?>(vacant: nil)
    var notes = Slab(vacant: Note.vacant)
    var actions = Slab<((World<Node>) -> Void)?>(vacant: nil)
    var dials = Slab(vacant: Dial.vacant)
    var sessions = Slab(vacant: Session.vacant)
    var pairs = PairTable()
    var numbers: [NodeID: Int] = [:]
    var names: [String: [Endpoint]] = [:]
    let shared = SharedBytes()
    var lastKey: UInt32 = 0
    var churnRound = 0
    /// Whether all were made to know all, as `settings.beginsAtRest` promises.
    var hasRested = false
    // Taken while a node is handled, so that its room is used again.
    private var spare: [NodeEffect] = []

    package init(
        seed: UInt64,
        settings: WorldSettings = WorldSettings(),
        factory: @escaping Factory
    ) {
        self.seed = seed
        self.settings = settings
        self.factory = factory
        random = SeededRandom(seed: SeededRandom.mix(seed, 0x776F_726C_64))
        network = Network(seed: SeededRandom.mix(seed, 0x6C69_6E6B), settings: settings.links)
        trace = Trace(countMax: settings.traceCount)
        queue.push(.tick, 0, at: CoreTimes.second)
    }

    /// How long the world has lasted.
    package var elapsed: Duration { .nanoseconds(Int64(clamping: now)) }

    /// Two worlds with the same figure went the same way.
    package var traceHash: UInt64 { trace.hash }

    /// The last events, a line each.
    package var traceLines: [String] { trace.lines }

    /// Links as they are from now on.
    package var links: LinkSettings {
        get { network.settings }
        set { network.settings = newValue }
    }

    // MARK: - Time

    /// Lets time go by; ends at once when a rule is broken.
    @specialized(where Node == MachineNode)
    package func run(for duration: Duration) throws(WorldFailure) {
        let end = now + nanoseconds(duration)
        while failure == nil, let next = queue.nextTime, next <= end { step() }
        if let failure { throw failure }
        now = end
    }

    /// Lets time go by until something holds, which is looked at every second; false if it did not
    /// within the span.
    package func run(
        atMost duration: Duration,
        until isReached: (World<Node>) -> Bool
    ) throws(WorldFailure) -> Bool {
        let end = now + nanoseconds(duration)
        while !isReached(self) {
            guard now < end else { return false }
            try run(for: .nanoseconds(Int64(min(CoreTimes.second, end - now))))
        }
        return true
    }

    /// Has something done later.
    package func after(_ duration: Duration, _ action: @escaping (World<Node>) -> Void) {
        queue.push(.action, actions.insert(action), at: now + nanoseconds(duration))
    }

    /// Lets the next event happen.
    func step() {
        guard let entry = queue.pop() else { return }
        now = max(now, entry.time)
        eventCount += 1
        let index = Int(entry.index)
        switch entry.kind {
        case .packet: arrive(index)
        case .wake: wake(index, entry)
        case .session: if sessions.has(index, entry.token) { look(at: index, entry.time) }
        case .dial: dialTimeout(index, entry.token)
        case .note:
            let note = notes.remove(at: index)
            if hosts[note.node].boot == note.boot { give(note.event, to: note.node) }
        case .action: actions.remove(at: index)?(self)
        case .tick: tick()
        }
    }

    private func tick() {
        queue.push(.tick, 0, at: now + CoreTimes.second)
        let second = Int(now / CoreTimes.second)
        for checker in checkers {
            guard case .seconds(let pause) = checker.moment, second % pause == 0 else { continue }
            if let text = checker.check(self, nil) { fail(checker.name, text, of: nil) }
        }
    }

    /// Ends the run: a rule was broken.
    func fail(_ rule: String, _ text: String, of node: Int?) {
        guard failure == nil else { return }
        failure = WorldFailure(
            seed: seed,
            time: now,
            node: node,
            rule: rule,
            text: text,
            trace: trace.lines
        )
    }

    // MARK: - Nodes' events

    /// Tells a node something later.
    func tell(_ event: NodeEvent, to node: Int, after pause: UInt64 = 0) {
        let note = Note(node: node, boot: hosts[node].boot, event: event)
        queue.push(.note, notes.insert(note), at: now + pause)
    }

    /// Gives a node an event now, and carries out what it answers.
    func give(_ event: NodeEvent, to number: Int, _ other: Int = Trace.nobody) {
        guard hosts[number].state == .up else { return }
        handledCount += 1
        trace.add(event.deed, of: number, other, event.byteCount, at: now)
        var effects = spare
        spare = []
        let time = ownTime(of: number)
        nodes[number]?.handle(event, at: time, into: &effects)
        carryOut(&effects, of: number)
        spare = effects
        for checker in stepCheckers {
            if let text = checker.check(self, number) { fail(checker.name, text, of: number) }
        }
    }

    /// Lets something be done with a node that has effects.
    package func perform<Result>(
        on number: Int,
        _ body: (inout Node, Instant, inout [NodeEffect]) -> Result
    ) -> Result? {
        guard hosts[number].state == .up, var node = nodes[number] else { return nil }
        // Taken out meanwhile, or all its tables would be copied.
        nodes[number] = nil
        var effects: [NodeEffect] = []
        let result = body(&node, ownTime(of: number), &effects)
        nodes[number] = node
        carryOut(&effects, of: number)
        return result
    }

    private func carryOut(_ effects: inout [NodeEffect], of number: Int) {
        for effect in effects { carryOut(effect, of: number) }
        effects.removeAll(keepingCapacity: true)
    }

    /// The moment on a node's own clock.
    func ownTime(of number: Int) -> Instant {
        Instant(nanoseconds: now &+ hosts[number].clockStart)
    }

    private func wake(_ number: Int, _ entry: EventQueue.Entry) {
        guard entry.token == hosts[number].boot, entry.time == hosts[number].queuedWake else {
            return
        }
        hosts[number].queuedWake = .max
        guard hosts[number].state == .up else { return }
        if hosts[number].deadline <= now {
            noteWake(of: number)
            hosts[number].deadline = .max
            give(.timeout, to: number)
        } else {
            armWake(of: number)
        }
    }

    /// Sees to it that a node is woken at its deadline: one entry of the queue is enough, and one
    /// that is too early is put in anew when it comes.
    func armWake(of number: Int) {
        let deadline = hosts[number].deadline
        guard deadline < hosts[number].queuedWake else { return }
        hosts[number].queuedWake = deadline
        queue.push(.wake, number, token: hosts[number].boot, at: deadline)
    }

    private func noteWake(of number: Int) {
        hosts[number].wakes = hosts[number].lastWake == now ? hosts[number].wakes + 1 : 0
        hosts[number].lastWake = now
        guard settings.checksRules, hosts[number].wakes >= Self.wakesMax else { return }
        fail("deadlines", "woken \(Self.wakesMax) times at one moment", of: number)
    }

    /// Wakes of one node at one moment, until they count as without end.
    private static var wakesMax: Int { 1000 }
}
