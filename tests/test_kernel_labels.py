"""Labels of kernels: what tells names of one last segment apart, without the words that say nothing."""

from __future__ import annotations

from tracer.reports.kernel_labels import distinct_labels


def test_words_of_the_language_and_its_library_tell_no_kernel_from_another() -> None:
    names = [
        "void apply<std::plus<float>>(int)",
        "void apply<const unsigned long, typename Mul>(char, bool)",
        "void apply<true, false, Sub>(float)",
    ]
    assert list(distinct_labels(names).values()) == ["apply (plus)", "apply (Mul)", "apply (Sub)"]
