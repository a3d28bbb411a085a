// SPDX-License-Identifier: Apache-2.0

internal import CLibYAML

/// libyaml's parser: UTF-8 bytes in, events out.
///
/// Aliases, anchors and tags are refused: a config needs none, and a few of them can stand for
/// gigabytes.
@safe struct YAMLParser: ~Copyable {
    enum Event {
        case documentStart
        case documentEnd
        case scalar(String, isPlain: Bool)
        case sequenceStart
        case sequenceEnd
        case mappingStart
        case mappingEnd
        case streamEnd
    }

    // libyaml keeps pointers to both, so both stay where they are.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8]) {
        unsafe input = .allocate(capacity: bytes.count)
        _ = unsafe input.initialize(from: bytes)
        unsafe parser = .allocate(capacity: 1)
        let isMade = unsafe yaml_parser_initialize(parser)
        precondition(isMade == 1, "out of memory")
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event; after `streamEnd` there is none to ask for.
    mutating func next() throws(YAMLNode.Failure) -> Event {
        while true {
            var event = unsafe yaml_event_t()
            guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure }
            defer { unsafe yaml_event_delete(&event) }
            if let event = try unsafe translate(event) { return event }
        }
    }

    /// What the parser stumbled on.
    ///
    /// libyaml's phrases are fixed and quote nothing of the input.
    private var failure: YAMLNode.Failure {
        let line = unsafe parser.pointee.error == YAML_READER_ERROR ? lineOfBadByte : lineOfProblem
        let phrase = unsafe parser.pointee.problem.map { unsafe String(cString: $0) }
        return YAMLNode.Failure(
            problem: "is not YAML (line \(line): \(phrase ?? "it cannot be read"))"
        )
    }

    private var lineOfProblem: Int { Int(unsafe parser.pointee.problem_mark.line) + 1 }

    /// Where a character that YAML forbids is; for it libyaml knows no line.
    private var lineOfBadByte: Int {
        let offset = unsafe parser.pointee.problem_offset
        return unsafe input.prefix(offset).count { $0 == UInt8(ascii: "\n") } + 1
    }
}

/// The event in our words; nil for the start of the stream, which says nothing.
private func translate(_ event: yaml_event_t) throws(YAMLNode.Failure) -> YAMLParser.Event? {
    let line = unsafe event.start_mark.line + 1
    switch unsafe event.type {
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    case YAML_STREAM_END_EVENT: return .streamEnd
    case YAML_SEQUENCE_START_EVENT:
        let start = unsafe event.data.sequence_start
        try refuse(anchor: unsafe start.anchor != nil, tag: unsafe start.tag != nil, line: line)
        return .sequenceStart
    case YAML_MAPPING_START_EVENT:
        let start = unsafe event.data.mapping_start
        try refuse(anchor: unsafe start.anchor != nil, tag: unsafe start.tag != nil, line: line)
        return .mappingStart
    case YAML_SCALAR_EVENT:
        let scalar = unsafe event.data.scalar
        try refuse(anchor: unsafe scalar.anchor != nil, tag: unsafe scalar.tag != nil, line: line)
        let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        return .scalar(
            unsafe String(decoding: bytes, as: UTF8.self),
            isPlain: unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE
        )
    case YAML_ALIAS_EVENT:
        try refuse(anchor: true, tag: false, line: line)
        return nil
    default: return nil
    }
}

private func refuse(anchor: Bool, tag: Bool, line: Int) throws(YAMLNode.Failure) {
    if anchor {
        throw YAMLNode.Failure(problem: "has an anchor or alias (& or *) in line \(line)")
    }
    if tag { throw YAMLNode.Failure(problem: "has a tag (!) in line \(line)") }
}
