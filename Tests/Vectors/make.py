#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of published vectors (*.json) as C headers (*_vectors.h) beside them.

    Tests/Vectors/make.py           writes
    Tests/Vectors/make.py --check   says whether the headers are what the tables give
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
CHUNK = 72  # characters of hexadecimal a line

# Table: the struct's fields in order; a list has the number of places it takes in C.
FIELDS = {
    "noise": ["source", "protocol_name", "prologue", ("psks", 2), "init_static", "init_ephemeral",
              "resp_static", "resp_ephemeral", "handshake_hash", ("messages", 6)],
    "aead": ["source", "suite", "key", "nonce", "associated", "plaintext", "ciphertext", "tag"],
    "hkdf": ["source", "salt", "material", "info", "prk", "out"],
    "protocol": ["name", "network_secret", "epoch_seconds", "wall_ms", "epoch", "flags", "root",
                 "psk0", "psk3", "cookie_key", "network_id", "network_name", "initiator_seed",
                 "initiator_id", "initiator_static", "initiator_address", "initiator_ephemeral",
                 "responder_seed", "responder_id", "responder_static", "responder_address",
                 "responder_ephemeral", "initiator_index", "responder_index", "initiator_suites",
                 "responder_suites", "initiator_lanes", "responder_lanes", "suite",
                 "initiator_cookie", "message1", "message2", "message3", "handshake_hash",
                 "initiator_key", "responder_key", "packet", "packet_lane", "packet_sequence",
                 "packet_flags", "datagram", "cookie_secret", "cookie_address", "cookie_port",
                 "cookie", "cookie_nonce", "cookie_message", ("refused_ids", 8)],
}
MESSAGE = ["payload", "ciphertext"]


def literal(text, indent):
    """A string as one or more C literals, each on a line of its own."""
    chunks = [text[i:i + CHUNK] for i in range(0, len(text), CHUNK)] or [""]
    return ("\n" + " " * indent).join(f'"{chunk}"' for chunk in chunks)


def initializer(row, field):
    if isinstance(field, str):
        return f"        .{field} = {literal(row[field], 12)},\n"
    name, _ = field
    parts = []
    for item in row[name]:
        if isinstance(item, dict):
            inner = ",\n             ".join(literal(item[key], 13) for key in MESSAGE)
            parts.append(f"            {{{inner}}},\n")
        else:
            parts.append(f"            {literal(item, 12)},\n")
    return f"        .{name} = {{\n{''.join(parts)}        }},\n" if parts else ""


def declaration(field):
    if isinstance(field, str):
        return f"    const char *{field};\n"
    name, places = field
    if name == "messages":
        inner = " ".join(f"const char *{key};" for key in MESSAGE)
        return f"    struct {{ {inner} }} {name}[{places}]; /* unused ones are NULL */\n"
    return f"    const char *{name}[{places}]; /* unused ones are NULL */\n"


def header(noun, table):
    guard = f"NETRON_{noun.upper()}_VECTORS_H"
    fields = FIELDS[noun]
    out = "/* SPDX-License-Identifier: Apache-2.0 */\n"
    out += f"/* {noun}_vectors.h - {table['about']}.\n"
    out += f" * Written by make.py from {noun}.json. */\n"
    out += f"#ifndef {guard}\n#define {guard}\n\n/* clang-format off */\n"
    members = "".join(map(declaration, fields))
    out += f"typedef struct {noun}_vector {{\n{members}}} {noun}_vector;\n\n"
    out += f"static const {noun}_vector {noun}_vectors[] = {{\n"
    for row in table["vectors"]:
        out += "    {\n" + "".join(initializer(row, field) for field in fields) + "    },\n"
    return out + "};\n/* clang-format on */\n\n#endif\n"


def main():
    stale = []
    for noun in FIELDS:
        table = json.loads((HERE / f"{noun}.json").read_text(encoding="utf-8"))
        path = HERE / f"{noun}_vectors.h"
        text = header(noun, table)
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    if stale:
        sys.exit(f"{', '.join(stale)}: not what the tables give; run Tests/Vectors/make.py")


if __name__ == "__main__":
    main()
