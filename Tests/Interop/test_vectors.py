# SPDX-License-Identifier: Apache-2.0
"""The committed figures are what peer.py gives, and peer.py gives what others published."""

import subprocess
import sys

import pytest

import peer
import vectors


def test_the_table_and_the_document_show_what_the_peer_gives(capsys):
    assert vectors.main(["vectors", "--check"]) == 0, capsys.readouterr().out


def test_the_c_headers_are_what_the_tables_give():
    subprocess.run([sys.executable, vectors.ROOT / "Tests/Vectors/make.py", "--check"], check=True)


@pytest.mark.parametrize("id", vectors.refused_ids())
def test_what_is_no_id_is_refused(id):
    with pytest.raises(peer.Refused):
        peer.static_key_of(bytes.fromhex(id))


def test_xchacha_gives_what_the_draft_says():
    """draft-irtf-cfrg-xchacha-03, appendix A.3.1."""
    key = bytes(range(0x80, 0xA0))
    nonce = bytes(range(0x40, 0x58))
    text = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
            b"the future, sunscreen would be it.")
    cipher, short = peer.xchacha(key, nonce)
    sealed = cipher.encrypt(short, text, bytes.fromhex("50515253c0c1c2c3c4c5c6c7"))
    assert sealed[:16].hex() == "bd6d179d3e83d43b9576579493c0e939"
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49"


def test_hkdf_gives_what_rfc_5869_says():
    """Appendix A.1."""
    out = peer.hkdf(bytes(range(13)), b"\x0b" * 22, bytes(range(0xF0, 0xFA)), 42)
    assert out.hex().startswith("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf")
