"""Kernel names, shortened for a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.kernels.kernel_names import short_name

UNROLLED = (
    "void at::native::unrolled_elementwise_kernel<at::native::direct_copy_kernel_cuda(at::TensorIteratorBase &)::"
    "[lambda() (instance 3)]::operator ()() const::[lambda(long) (instance 1)], std::array<char *, (unsigned long)2>"
    ", (int)4, TrivialOffsetCalculator<(int)1, unsigned int>>(int, T1, T2, T4, T5, T6, T7)"
)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("sm80_xmma_gemm_f32f32_tn_n_tilesize64x256x8", "sm80_xmma_gemm_f32f32_tn_n_tilesize64x256x8"),
        (
            "void at::native::reduce_kernel<(int)512, (int)1, at::native::F<float, float>>(T3)",
            "native::reduce_kernel",
        ),
        (UNROLLED, "native::unrolled_elementwise_kernel"),
        ("void (anonymous namespace)::softmax_warp<float, 5>(float *, int)", "softmax_warp"),
        ("void at::native::<unnamed>::cat<T1>(T2) const", "native::cat"),
        (
            "void cudnn::detail::implicit_convolve_sgemm<float, int=128, bool=1>(int, int)",
            "detail::implicit_convolve_sgemm",
        ),
        (
            "ncclDevKernel_AllReduce_Sum_f32(ncclDevKernelArgsStorage<(unsigned long)4096>)",
            "ncclDevKernel_AllReduce_Sum_f32",
        ),
        ("void thrust::run<f(int)::[lambda(T1) (instance 1)]>(T1)", "thrust::run"),
        ("eigen::Functor::operator()(int) const", "Functor::operator()"),
        ("void run<A::operator()(int)>::operator<(int)", "run::operator<"),
        ("bool std::less<int>::operator<(int)", "less::operator<"),
        ("[CUDA memcpy Host-to-Device]", "[CUDA memcpy Host-to-Device]"),
        ("_Z6kernelPfS_i", "_Z6kernelPfS_i"),
        ("void f::{lambda(int)#1}::operator()(int) const", "f::operator()"),
        ("void run<A::operator<(int), B::operator<<(int)>::go(int)", "run::go"),
        ("loop_multiply_fusion", "loop_multiply_fusion"),
        ("model/conv1/Conv2D:Conv2D", "model/conv1/Conv2D:Conv2D"),
        ("void f<int", "f"),
        ("<lambda>", "<lambda>"),
        ("", ""),
    ],
)
def test_a_name_loses_what_does_not_tell_it_apart(name: str, short: str) -> None:
    assert short_name(name) == short


@settings(deadline=None)
@given(st.text(st.sampled_from("ab:<>()[]{} ,*&") | st.characters(), max_size=40))
def test_any_text_has_a_short_name_that_is_no_longer(name: str) -> None:
    short = short_name(name)
    assert len(short) <= len(name)
    assert bool(short) == bool(name)
