"""A hundred thousand random and mutated serial messages: the DUT answers the next good command each time."""

from __future__ import annotations

import random

from runner.line.protocol import CommandReader, DutProtocol, Infer

MESSAGES = 100_000
GOOD = [b"name%", b"profile%", b"db load 490%", b"db 00ff10%", b"infer 3 1%", b"infer%", b"results%", b"timestamp%"]
GOOD += [b"db print%", b"help%", b"db load 1960%", b"db " + b"7f" * 31 + b"%"]


def mutated(rng: random.Random) -> bytes:
    message = bytearray(rng.choice(GOOD) if rng.random() < 0.8 else rng.randbytes(rng.randrange(200)))
    for _ in range(rng.randrange(4)):
        place = rng.randrange(len(message) + 1)
        change = rng.randrange(4)
        if change == 0:
            message[place:place] = rng.randbytes(rng.choice([1, 2, 100]))
        elif change == 1:
            del message[place : place + rng.randrange(1, 5)]
        elif change == 2 and message:
            message[place % len(message)] = rng.randrange(256)
        else:
            message += bytes(message)
    return bytes(message[:400])


def test_the_next_good_command_is_answered_whatever_came_before() -> None:
    rng = random.Random(17)
    reader, protocol = CommandReader(), DutProtocol("bench", (490, 1960))
    refused = 0
    for _ in range(MESSAGES):
        loaded = protocol.loaded
        for command in reader.feed(mutated(rng)):
            answer = protocol.handle(command)
            if isinstance(answer, list):
                assert answer[-1] == "m-ready"
                if answer[0].startswith("e-["):
                    refused += 1
                    assert protocol.loaded == loaded
            elif isinstance(answer, Infer):
                assert protocol.loaded is not None
            loaded = protocol.loaded
        # CR clears what is unfinished, as a host may when it starts over.
        answers = [protocol.handle(command) for command in reader.feed(b"\rname%")]
        assert answers == [["m-name-dut-[bench]", "m-ready"]]
    assert refused > MESSAGES / 10
