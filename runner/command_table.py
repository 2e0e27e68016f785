"""
The commands: heading of the help, name, what it does in a sentence, and the example that its own help ends with.

Nothing is imported here, so that the help of the whole is printed without a command's module. A command is the
function of its name in ``runner.commands``, and its sentence there is the one here.
"""

from __future__ import annotations

SUMMARY = "Where each inference of the MLPerf Tiny keyword-spotting benchmark spends its time."
LEAD = "`run` is the device under test, `host` drives one, `report` says where the time went."
EXIT_CODES = "Exit codes: 0 done, 1 the job failed, 2 wrong use or bad input."

OPTIONS = {
    "--version": "Print the version and exit.",
    "--no-limits": "Read files of more than 4 GB and tables of more than 20,000,000 rows; memory and time are yours.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Show completion for the current shell, to copy it or customize the installation.",
    "--help": "Show this message and exit.",
}
"""Those before a command."""

COMMANDS = {
    "Record a run": {
        "demo": (
            "Run the device under test with the shipped model, drive it as the benchmark does, and report.",
            "demo",
        ),
        "run": (
            "Be the device under test of the benchmark on PORT, and record every stage of every inference.",
            "run --port pty:/tmp/dut --backend litert",
        ),
        "infer": (
            "Run the model over FILES or a dataset and record a run: elapsed time, time an inference, Top-1 and AUC.",
            "infer --repeat 10 --backend litert",
        ),
        "repeat": (
            "Launch COMMAND N times, one after another: the runs NAME-1 to NAME-N belong together.",
            "repeat 5 --name cold -- infer --repeat 10",
        ),
        "ingest": (
            "Import PROFILE, recorded while RUN was made: it gives `report` and the dashboard their GPU timeline.",
            "ingest last capture.sqlite",
        ),
    },
    "Host": {
        "host": (
            "Drive a device under test as energyrunner does, and print what it prints.",
            "host performance --port /tmp/dut",
        ),
        "host-config": (
            "Write the files with which the MLCommons runner or energyrunner finds and drives this DUT.",
            "host-config mlcommons --inferences 10000",
        ),
    },
    "Read runs": {
        "report": (
            "Say where the time of RUN went: by stage, by inference and by window, with the overhead of tracing.",
            "report last",
        ),
        "kernels": (
            "Print the kernels of PROFILE with their counts and times, as the profiler's own summary does.",
            "kernels capture.sqlite --by range",
        ),
        "breakdown": (
            (
                "Say where the units of any program spent their time: GPU busy against overhead, by kind, "
                "by stage, by kernel."
            ),
            "breakdown capture.sqlite --range step",
        ),
        "compare": (
            (
                "Say whether runs are slower or faster than the oldest of them, by median and by rate, "
                "and what that carries."
            ),
            "compare before after",
        ),
        "export": (
            (
                "Write RUN as a trace that other tools open: spans, CUDA calls and GPU work, with "
                "arrows from launch to work."
            ),
            "export last --perfetto last.pftrace",
        ),
        "runs": (
            "List the runs, make a killed one complete with --recover, or join small files with --compact.",
            "runs",
        ),
        "pull": (
            "Bring the runs of another machine or folder into this one: verified, resumable, none overwritten.",
            "pull board:traces --traces boards",
        ),
        "fleet": (
            (
                "Ask all runs of several folders: rates, latency, overhead, kernels, trust, regressions, outliers, "
                "or SQL."
            ),
            "fleet rates --root traces",
        ),
        "baseline": (
            "Name the launches that later ones are held against, list such baselines, or forget one.",
            "baseline list",
        ),
        "dashboard": (
            (
                "Open the runs on disk in a browser, on this machine only: overview, stages, kernels, "
                "timeline, comparison."
            ),
            "dashboard --port 8501",
        ),
        "mcp": (
            "Serve report, compare, kernels, session and doctor as read-only tools of the Model Context Protocol.",
            "mcp --traces traces --allow profiles",
        ),
    },
    "Check": {
        "doctor": (
            "Examine the device before a session: port, runtimes, profiler, power, clocks, temperature, load, disk.",
            "doctor --no-tensorflow",
        ),
        "session": (
            "Recompute a benchmark session from its raw lines, and audit its clock.",
            "session --run last",
        ),
        "accuracy": (
            "Find out whether the results of RUN or SESSION are those of the model, or which mistake explains them.",
            "accuracy last",
        ),
        "submission": (
            "Write the results tree that MLPerf Tiny takes, or judge one with --check.",
            "submission --check tree",
        ),
    },
    "Model cost": {
        "cost": (
            (
                "Count the operations and bytes of one inference of MODEL by layer, and compare them "
                "with a device's limits."
            ),
            "cost --device nano --latency-us 4305",
        ),
    },
    "Benchmarks": {
        "convert": (
            "Make an ONNX model of a SavedModel, for ONNX Runtime and TensorRT.",
            "convert kws.onnx",
        ),
        "runtimes": (
            "Run one model on TensorFlow, LiteRT and ONNX Runtime, timed in turn, and compare their times and Top-1.",
            "runtimes --seconds 5",
        ),
        "ladder": (
            (
                "Take the layers out one by one, each as device under test, and hold each prediction "
                "against the next rung."
            ),
            "ladder --rungs session,inline,litert --seconds 1",
        ),
        "overhead": (
            (
                "Measure the profiler overhead: of the recorder, NVTX, nsys and TensorFlow's profiler, "
                "on an untraced inference."
            ),
            "overhead --backend litert",
        ),
        "bandwidth": (
            (
                "Measure copies from host to device, back, and within the device, from pageable and "
                "pinned memory, by size."
            ),
            "bandwidth --device cpu",
        ),
    },
}
"""By heading of the help, by name: the sentence and the example."""
