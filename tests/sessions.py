"""Sessions as energyrunner and the MLCommons runner would have logged them, with a fault where one is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

WORDS = ("Down", "Go", "Left", "No", "Off", "On", "Right", "Stop", "Up", "Yes", "Silence", "Unknown")


@dataclass(frozen=True)
class Plan:
    """
    A session to write.

    ``seconds`` are the wall times of its windows, ``counts`` their inferences. ``ratio`` is what the DUT's clock
    makes of a second within windows, ``idle`` of one between them. ``first_us`` is the clock at the first lap; it
    wraps at ``wrap_us``.
    """

    seconds: tuple[float, ...] = (11.0, 11.01, 11.02, 10.99, 11.0)
    counts: tuple[int, ...] = (2400,) * 5
    warmups: int = 1
    ratio: float = 1.0
    idle: float = 1.0
    first_us: int = 5_000_000
    wrap_us: int = 1 << 62
    start_s: float = 19.937
    mode: str = "bmark"
    vectors: tuple[tuple[float, ...], ...] = ()
    labels: tuple[int, ...] = ()
    lines: list[str] = field(default_factory=list)


def accuracy_plan(size: int = 36, seed: int = 0) -> Plan:
    """An accuracy pass: each class ``size / 12`` times, most vectors right."""
    random = np.random.default_rng(seed)
    labels = tuple(int(one) for one in np.arange(size) % 12)
    scores = random.random((size, 12)) + 2 * np.eye(12)[list(labels)] * (random.random(size) < 0.9)[:, None]
    vectors = np.round(scores / scores.sum(axis=1, keepdims=True), 3)
    return Plan(
        seconds=(0.012,) * size,
        counts=(1,) * size,
        warmups=0,
        mode="multi",
        vectors=tuple(tuple(row) for row in vectors.tolist()),
        labels=labels,
    )


class EnergyrunnerLog:
    """Writes the lines of a session; two clocks go on together."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.lines = plan, []
        self._host_s, self._dut_us, self._step = plan.start_s, float(plan.first_us), 0
        self.laps: list[int] = []

    def write(self) -> list[str]:
        """All lines, the results at their end."""
        self.say("session", "m-session-start-id[20260101000000]")
        self.say("parser", "m-bmark-run-name[ML Performance 1.0.1]-code[ulp-mlperf]")
        self.say("sequencer", "m-sequencer-start")
        self.command("version")
        self.say("parser", "m-version[3.0.6]")
        self.say("parser", "m-ready-finished[version]")
        self.command("bm cfg ulp-mlperf")
        for key, value in (("iterInfer", str(self.plan.counts[0])), ("runMode", self.plan.mode), ("model", "kws01")):
            self.say("parser", f"m-bm-cfg-name[ulp-mlperf]-key[{key}]-val[{value}]")
        self.say("parser", "m-ready-finished[bm]")
        self.command("dut profile", "m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[kws01]")
        self.command("dut timestamp", f"m-lap-us-{self.lap()}")
        for number in range(len(self.plan.seconds)):
            self.window(number)
        self.say("sequencer", "m-sequencer-stop")
        self.say("session", "m-session-stop-id[20260101000000]")
        self.say("session", "Saved this run to session ID 20260101000000")
        self.results()
        return self.lines

    def say(self, who: str, text: str) -> None:
        self.lines.append(f"{self._host_s:09.3f} {who}: {text}")

    def wait(self, seconds: float, ratio: float) -> None:
        self._host_s += seconds
        self._dut_us += seconds * 1e6 * ratio

    def lap(self) -> int:
        return round(self._dut_us) % self.plan.wrap_us

    def command(self, text: str, *answers: str) -> None:
        self._step += 1
        self.say(
            "sequencer", f"m-sequencing-i[{self._step}]-command[{text}]-ack[/m-ready/]-ms[5000]-acc[0]-total_ms[1]"
        )
        self.say("parser", f'Command "{text}"')
        if text.startswith("dut"):
            self.say("parser", "m-ready-finished[dut]")
            self.wait(0.003, self.plan.idle)
            for answer in answers:
                self.say("dut", answer)
            if answers:
                self.say("dut", "m-ready")

    def window(self, number: int) -> None:
        plan, count = self.plan, self.plan.counts[number]
        label = plan.labels[number] if plan.labels else number
        self.command(f'bload dut "C:\\eembc\\kws01\\tst_{number:06d}_{WORDS[label]}_{label}.bin"')
        for text in ("File size is 490, loading...", "Starting at byte offset 0", "Sending 490 bytes"):
            self.say("parser", text)
        self.say("parser", "m-mute-target[dut]")
        self.wait(0.4, plan.idle)
        self.say("parser", "m-unmute-target[dut]")
        self.say("parser", "Binary load took 0.400 sec, or 1.225 kB/sec")
        self.say("parser", "m-bload-done")
        self.say("parser", "m-ready-finished[bload]")
        self.command(f"dut infer {count} {plan.warmups}")
        self.say("dut", f"m-warmup-start-{plan.warmups}")
        self.wait(0.004, plan.ratio)
        self.say("dut", "m-warmup-done")
        self.say("dut", f"m-infer-start-{count}")
        for last in (False, True):
            self.laps.append(self.lap())
            self.say("dut", f"m-lap-us-{self.laps[-1]}")
            self.wait(plan.seconds[number] if not last else 0.001, plan.ratio if not last else plan.idle)
        self.say("dut", "m-infer-done")
        vector = plan.vectors[number] if plan.vectors else tuple(np.eye(12)[number % 12])
        self.say("dut", f"m-results-[{','.join(f'{value:.3f}' for value in vector)}]")
        self.say("dut", "m-ready")

    def results(self) -> None:
        """What energyrunner prints of its laps."""
        if self.plan.mode == "multi":
            return
        rates = []
        for number, count in enumerate(self.plan.counts):
            runtime = (self.laps[2 * number + 1] - self.laps[2 * number]) / 1e6
            rate = count / runtime if runtime else float("inf")
            rates.append(rate)
            self.say("ulp-mlperf", f"Performance results for window {2 * number + 2}:")
            self.say("ulp-mlperf", f"  # Inferences : {count:12d}")
            self.say("ulp-mlperf", f"  Runtime      : {runtime:12.3f} sec.")
            self.say("ulp-mlperf", f"  Throughput   : {rate:12.3f} inf./sec.".replace("inf inf", "Infinity inf"))
            met = "Runtime requirements have been met."
            short = "e-[The run must take at least 10 seconds and 10 iterations to be valid]"
            self.say("ulp-mlperf", met if runtime >= 10 else short)
        rule = "-" * 57
        for text in (
            rule,
            f"Median throughput is {np.median(rates):.3f} inf./sec.".replace("inf inf", "Infinity inf"),
            rule,
        ):
            self.say("ulp-mlperf", text)
        self.say("ulp-mlperf", "Cannot compute accuracy metrics in single-run mode.")


def energyrunner_lines(plan: Plan) -> list[str]:
    """The lines of a session by energyrunner."""
    return EnergyrunnerLog(plan).write()


def write_log(folder: Path, lines: list[str], *, end: str = "\n") -> Path:
    """A session's folder with these lines as its log."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "log.txt"
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


RESULTS = [0.0] * 7 + [0.996] + [0.0] * 4


def mlcommons_lines(
    seconds: tuple[float, ...] = (11.4,) * 5, ratio: float = 1.0, count: int = 250, warmups: int = 1
) -> list[str]:
    """The lines of a performance session by the MLCommons runner; the DUT's clock makes ``ratio`` of a second."""
    at_s, lines, runtimes = 3710.2, ["Logging initialized. Writing output to sessions/1/log.txt"], []
    lines += ["Retrieving name from DUT ...", "Device name retrieved: dut", "Device model retrieved: kws01"]

    def stamp() -> str:
        whole = int(at_s)
        return f"0726.{whole // 3600:02d}{whole // 60 % 60:02d}{whole % 60:02d} ulp-mlperf: "

    for number, length in enumerate(seconds):
        lines.append(f"{stamp()}Loading file tst_{number:06d}_{WORDS[number]}_{number}.bin segment 0")
        at_s += 0.3
        lines.append(f"{stamp()}Load complete.")
        at_s += length * (1 + warmups / count)
        runtimes.append(round(length * ratio * 1e6) / 1e6)
        lines += [f"Running inference with {warmups}/{count} (warmup/measured) iterations ...", "done"]
        lines += [
            f"{stamp()}Performance results for window {number + 1}:",
            f"{stamp()}  # Inferences : {count:>13}",
            f"{stamp()}  Runtime      : {runtimes[-1]:>10.3f} sec.",
            f"{stamp()}  Throughput   : {count / runtimes[-1]:>10.3f} inf./sec.",
            f"{stamp()}  m-results    : {RESULTS}",
        ]
    lines.append("--------------------")
    for number, runtime in enumerate(runtimes, 1):
        lines += [f"Performance results for window {number}", f"# Inferences : {count}", f"Runtime: {runtime} sec."]
        lines.append(f"Throughput: {count / runtime} inf./sec.")
        lines += ["Runtime requirements have been met."] * (runtime > 10.0)
    median = f"Median throughput is {np.median([count / runtime for runtime in runtimes]):>10.3f} inf./sec."
    lines += [stamp() + text for text in ("-" * 57, median, "-" * 57)]
    return [*lines, "Session logged in file sessions/1/log.txt"]


def with_counts(plan: Plan, count: int) -> Plan:
    """The plan with other numbers of inferences, at the same wall times."""
    return replace(plan, counts=(count,) * len(plan.seconds))
