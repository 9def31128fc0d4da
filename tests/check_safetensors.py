#!/usr/bin/env python3
"""Opens a safetensors file by the rules of the format alone, without any code of Lockstep.

Usage: check_safetensors.py FILE

Prints one line for each entry of the metadata, "metadata KEY VALUE" (the value as JSON), and one for each
tensor in the order of its data, "tensor NAME TYPE SHAPE SUM" (the name as JSON, the shape like 2x3, "scalar"
for none). Exit status 1 with a message where the file breaks a rule.
"""
import json
import math
import struct
import sys

CODES = {"F32": "f", "F64": "d", "I64": "q", "U64": "Q", "U8": "B"}
HEADER_MAX = 100_000_000


class Broken(Exception):
    """A rule of the format that the file breaks."""


def need(condition, message):
    if not condition:
        raise Broken(message)


def unique(pairs):
    keys = [key for key, _ in pairs]
    need(len(keys) == len(set(keys)), "a key stands twice in the header")
    return dict(pairs)


def is_count(value):
    return type(value) is int and value >= 0


def read_header(data):
    need(len(data) >= 8, "shorter than the length of the header")
    (length,) = struct.unpack_from("<Q", data)
    need(length <= HEADER_MAX, f"a header of {length} bytes")
    need(8 + length <= len(data), "the header goes beyond the end of the file")
    text = data[8 : 8 + length].decode("utf-8")
    need(text.startswith("{"), "the header does not begin with {")
    need(length % 8 == 0, "the header is not padded to a multiple of 8")
    return json.loads(text, object_pairs_hook=unique), data[8 + length :]


def check_tensor(name, entry):
    need(set(entry) == {"dtype", "shape", "data_offsets"}, f"{name}: keys {sorted(entry)}")
    need(entry["dtype"] in CODES, f"{name}: dtype {entry['dtype']}")
    need(all(is_count(n) for n in entry["shape"]), f"{name}: shape {entry['shape']}")
    offsets = entry["data_offsets"]
    need(len(offsets) == 2 and all(is_count(n) for n in offsets), f"{name}: data_offsets {offsets}")
    size = math.prod(entry["shape"]) * struct.calcsize("<" + CODES[entry["dtype"]])
    need(offsets[1] - offsets[0] == size, f"{name}: the shape does not fit data_offsets {offsets}")


def check(path):
    with open(path, "rb") as file:
        header, data = read_header(file.read())
    metadata = header.pop("__metadata__", {})
    for key, value in metadata.items():
        need(isinstance(value, str), f"metadata {key}: not a string")
        print("metadata", key, json.dumps(value))
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        check_tensor(name, entry)
        begin, stop = entry["data_offsets"]
        need(begin == end, f"{name}: the data begin at {begin}, expected {end}")
        need(stop <= len(data), f"{name}: the data go beyond the end of the file")
        end = stop
        values = [value for (value,) in struct.iter_unpack("<" + CODES[entry["dtype"]], data[begin:stop])]
        total = sum(values) if entry["dtype"] in ("I64", "U64", "U8") else math.fsum(values)
        shape = "x".join(str(n) for n in entry["shape"]) or "scalar"
        print("tensor", json.dumps(name), entry["dtype"], shape, repr(total))
    need(end == len(data), f"{len(data) - end} bytes belong to no tensor")


def main():
    if len(sys.argv) != 2:
        print("usage: check_safetensors.py FILE", file=sys.stderr)
        return 2
    try:
        check(sys.argv[1])
    except (Broken, OSError, ValueError, KeyError, TypeError) as error:
        print(f"{sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
