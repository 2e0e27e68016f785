"""What each way of looking at an inference adds to it: the recorder, NVTX, nsys, TensorFlow's profiler."""
