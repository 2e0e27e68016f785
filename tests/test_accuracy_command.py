"""``kws-trace accuracy`` as a user calls it, with the shipped model and with the reference model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from runner.accuracy.diagnosis import examine
from runner.accuracy.mistake_search import diagnose
from runner.accuracy.models import LoadedModel, others_at_hand
from runner.accuracy.recorded_results import Matched, match, read_recorded
from runner.accuracy.report_text import summary_of
from runner.dataset import Dataset, load_dataset, shipped_dataset
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE, ModelChoice
from tests.recorded import info, window
from tests.test_report_commands import kws_trace
from tracer.accuracy.symptoms import accuracy_symptoms
from tracer.errors import KwsTraceError
from tracer.runs.run_writer import RunWriter

COUNT = 150


@pytest.fixture(scope="module")
def shipped() -> LoadedModel:
    return LoadedModel(ModelChoice(SHIPPED_TFLITE))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    """A part of the shipped inputs as a file."""
    whole = shipped_dataset()
    assert whole.array is not None
    picked = np.linspace(0, len(whole.names) - 1, COUNT).astype(int)
    names = np.array([whole.names[place] for place in picked])
    path = tmp_path_factory.mktemp("inputs") / "inputs.npz"
    np.savez(path, inputs=whole.array[picked], labels=whole.labels[picked], names=names)
    return path, load_dataset(path)


def write_run(traces: Path, name: str, dataset: Dataset, vectors: NDArray[np.float64]) -> str:
    recorder = RunWriter.create(traces, name, info(name), lambda _: None)
    for number, vector in enumerate(vectors):
        digest = hashlib.sha256(dataset.input(number)).hexdigest()
        one = window(number, inferences=1, warmups=0, first=number)
        recorder.append(replace(one, input_sha256=digest, probabilities=tuple(map(float, vector))))
    recorder.close()
    return name


def write_log(path: Path, dataset: Dataset, vectors: NDArray[np.float64]) -> Path:
    lines = []
    for name, vector in zip(dataset.names, vectors, strict=True):
        lines.append(f'00001.000 parser: Command "bload dut "/kws01/{name}""')
        lines.append(f"00001.001 dut: m-results-[{','.join(f'{value:.3f}' for value in vector)}]")
    path.write_text("\n".join(lines))
    return path


def data_of(dataset: Dataset) -> NDArray[np.int8]:
    assert dataset.array is not None
    return dataset.array


PLANTS: dict[str, tuple[list[str], Callable[[NDArray[np.int8]], NDArray[Any]]]] = {
    "none": ([], lambda x: x),
    "unsigned": (["unsigned"], lambda x: np.minimum(x.view(np.uint8), 127).astype(np.int8)),
    "offset": (["offset"], lambda x: (x.astype(int) % 256 - 128).astype(np.int8)),
    "swapped": (["transposed"], lambda x: x.reshape(-1, 49, 10).swapaxes(1, 2).reshape(-1, 490).copy()),
    "shifted": (["shifted"], lambda x: np.roll(x, 1, axis=0)),
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_mistake_planted_before_the_shipped_model_is_named(
    name: str, shipped: LoadedModel, dataset: tuple[Path, Dataset]
) -> None:
    keys, plant = PLANTS[name]
    inputs, labels = data_of(dataset[1]), dataset[1].labels
    vectors = shipped.predict(plant(inputs))
    found = diagnose(Matched(vectors, labels, inputs, vectors, labels), shipped)
    assert [one.key for one in found.verdict.best.mistakes] == keys
    assert found.verdict.kind == ("mistake" if keys else "as_it_should_be")


def test_the_shipped_model_over_its_held_out_inputs_has_no_symptom(shipped: LoadedModel) -> None:
    whole = shipped_dataset()
    assert accuracy_symptoms(shipped.predict(data_of(whole)), whole.labels) == []


@pytest.mark.slow
def test_a_healthy_run_is_reproduced_and_a_session_with_a_mistake_is_diagnosed(
    tmp_path: Path, shipped: LoadedModel, dataset: tuple[Path, Dataset], capsys: pytest.CaptureFixture[str]
) -> None:
    path, inputs = dataset
    run = write_run(tmp_path, "healthy", inputs, shipped.predict(data_of(inputs)))
    examine(run, tmp_path, SHIPPED_TFLITE, path, [], None, None, quiet=True, as_json=False)
    said = capsys.readouterr().out
    assert f"Reproduced as it should be, {COUNT} of {COUNT} vectors" in " ".join(said.split())
    assert "no mistake" in said
    assert "The numbers alone show nothing amiss." in said
    assert max(len(line) for line in said.splitlines()) <= 80
    log = write_log(tmp_path / "log.txt", inputs, shipped.predict(PLANTS["offset"][1](data_of(inputs))))
    told = kws_trace("accuracy", str(log), "--model", str(SHIPPED_TFLITE), "--dataset", str(path), "--json")
    assert told.returncode == 0, told.stderr
    facts = json.loads(told.stdout)
    assert facts["diagnosis"]["best"]["mistakes"] == ["offset"]
    assert facts["diagnosis"]["best"]["reproduced"] == facts["diagnosis"]["inputs"] == COUNT
    assert facts["diagnosis"]["mended"]["top1"] > 0.85 > facts["diagnosis"]["recorded"]["top1"]
    assert facts["results"] == facts["labelled"] == sum(map(sum, facts["confusion"])) == COUNT


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere: no such run"),
        (["{tmp}"], r"neither a run\.json nor a log\.txt"),
        (["{tmp}/empty.txt"], "it holds no m-results"),
        (["{tmp}/other.txt"], "none of its 1 inputs is in the dataset"),
        (["{tmp}/good.txt", "--model", "{tmp}/none.tflite"], "there is no such model"),
        (["{tmp}/good.txt", "--dataset", "{tmp}/none"], "name the dataset's folder"),
    ],
)
def test_wrong_input_is_told_by_what_it_is(tmp_path: Path, words: list[str], said: str) -> None:
    vector = ",".join(["0.0"] * 11 + ["1.0"])
    (tmp_path / "empty.txt").write_text("00001.000 dut: m-ready\n")
    (tmp_path / "other.txt").write_text(f"Loading file unheard_of_3.bin\nm-results : [{vector}]\n")
    (tmp_path / "good.txt").write_text(f"Loading file {shipped_dataset().names[0]}\nm-results : [{vector}]\n")
    ref, *rest = [word.format(tmp=tmp_path) for word in words]
    paths = {option: Path(value) for option, value in zip(rest[::2], rest[1::2], strict=True)}
    named = (paths.get("--model"), paths.get("--dataset"))
    with pytest.raises(KwsTraceError, match=said) as caught:
        examine(ref, tmp_path, *named, [], None, None, quiet=True, as_json=True)
    assert caught.value.exit_code == 2


def test_wrong_input_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    told = kws_trace("accuracy", str(tmp_path / "nowhere"))
    assert told.returncode == 2
    assert "no such run" in " ".join(told.stderr.split())
    assert "Traceback" not in told.stderr


def test_results_without_a_name_are_matched_in_the_order_of_the_dataset(
    tmp_path: Path, dataset: tuple[Path, Dataset]
) -> None:
    log = tmp_path / "log.txt"
    log.write_text("\n".join(f"m-results-[{','.join(['0.1'] * 11 + [f'0.{n}'])}]" for n in range(1, 4)))
    matched = match(read_recorded(str(log), tmp_path), dataset[1])
    assert matched.labels.tolist() == dataset[1].labels[:3].tolist()
    assert "order of the dataset" in matched.notes[0]


def test_models_beside_the_model_are_at_hand_and_tensorflow_only_where_it_is_needed(tmp_path: Path) -> None:
    for name in ("a.tflite", "b.tflite"):
        (tmp_path / name).touch()
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    assert others_at_hand(tmp_path / "a.tflite", []) == [tmp_path / "b.tflite", SHIPPED_TFLITE]
    assert others_at_hand(tmp_path / "a.tflite", [tmp_path / "saved"])[0] == tmp_path / "saved"
    assert SHIPPED_SAVED_MODEL in others_at_hand(tmp_path / "saved", [])


@pytest.mark.slow
def test_the_case_of_2021_is_solved(shared_data: Path) -> None:
    pytest.importorskip("tensorflow")
    folder = shared_data / "mlperf-tiny-kws"
    recorded = read_recorded(str(shared_data / "energyrunner-sessions" / "20210823155940"), Path("traces"))
    matched = match(recorded, load_dataset(folder / "kws01"))
    (symptom,) = accuracy_symptoms(matched.all_vectors, matched.all_labels)
    assert "86 are of it: Top-1 8.6 % is the prior" in symptom.message
    found = diagnose(matched, LoadedModel(ModelChoice(folder / "model" / "kws_ref_model")))
    verdict = found.verdict
    assert (verdict.kind, verdict.digits, found.inputs) == ("mistake", 6, 500)
    assert verdict.best.keys == {"unsigned", "no_dequantization"}
    assert verdict.best.reproduced(verdict.tolerance) == 500
    assert verdict.runner_up is not None
    assert verdict.runner_up.keys == {"no_dequantization"}
    assert verdict.runner_up.share(verdict.tolerance) == pytest.approx(0.778, abs=0.002)
    assert found.mended_top1 == pytest.approx(0.912)
    assert "Mended, Top-1 is 91.2 % over these 500 inputs (recorded: 7.8 %)." in summary_of(matched, [symptom], found)


def test_the_reference_model_over_the_benchmarks_inputs_has_no_symptom(shared_data: Path) -> None:
    folder = shared_data / "mlperf-tiny-kws"
    inputs = load_dataset(folder / "kws01")
    data = np.stack([np.frombuffer(inputs.input(number), np.int8) for number in range(len(inputs.names))])
    model = LoadedModel(ModelChoice(folder / "model" / "kws_ref_model.tflite"))
    vectors = model.predict(data)
    assert accuracy_symptoms(vectors, inputs.labels) == []
    assert (
        diagnose(Matched(vectors, inputs.labels, data, vectors, inputs.labels), model).verdict.kind
        == "as_it_should_be"
    )


@pytest.mark.parametrize("device", ["v0.5-reference-Nucleo-L4R5ZI", "v1.3-STMicroelectronics-NUCLEO_L4R5ZI-P"])
def test_published_performance_logs_give_no_alarm(shared_data: Path, device: str) -> None:
    folder = shared_data / "mlperf-tiny-kws"
    recorded = read_recorded(str(shared_data / "mlperf-tiny-results" / device), Path("traces"))
    matched = match(recorded, load_dataset(folder / "kws01"))
    assert accuracy_symptoms(matched.all_vectors, matched.all_labels) == []
    model = LoadedModel(ModelChoice(folder / "model" / "kws_ref_model.tflite"))
    assert diagnose(matched, model).verdict.kind in {"as_it_should_be", "not_reproduced"}
