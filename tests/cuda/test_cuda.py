"""Tensors on a GPU, through CuPy: moving, computing, random numbers, memory, streams, sharing."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest

import nbautograd as nb

pytestmark = pytest.mark.gpu


def test_a_tensor_goes_to_the_gpu_and_back():
    x = nb.arange(6.0).view(2, 3)
    y = x.cuda()
    assert y.is_cuda
    assert y.device == nb.device("cuda", nb.cuda.current_device())
    assert y.to("cuda") is y
    assert y.cuda(0).device.index == 0
    assert nb.equal(y.cpu(), x)
    assert repr(y).endswith(f"device='{y.device}')")
    assert y.type() == "torch.cuda.FloatTensor"
    assert isinstance(y, nb.cuda.FloatTensor)
    assert not isinstance(y, nb.FloatTensor)
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        y.numpy()
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        x.cuda(99)


def test_gradients_flow_through_a_move():
    x = nb.tensor([1.0, 2.0], requires_grad=True)
    (x.cuda() ** 2).sum().backward()
    assert x.grad.device == nb.device("cpu")
    assert x.grad.tolist() == [2, 4]


def test_operands_on_two_devices_are_refused():
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        nb.ones(2) + nb.ones(2).cuda()
    assert (nb.tensor(2.0) * nb.ones(2).cuda()).tolist() == [2, 2]


def test_a_network_learns_the_same_on_both_devices():
    def losses(device: str) -> list[float]:
        nb.manual_seed(0)
        model = nb.nn.Sequential(nb.nn.Linear(4, 8), nb.nn.Tanh(), nb.nn.Linear(8, 1)).to(device)
        x = nb.linspace(-1, 1, 40).view(10, 4).to(device)
        optimizer = nb.optim.Adam(model.parameters(), lr=0.01)
        found = []
        for _ in range(20):
            optimizer.zero_grad()
            loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    assert losses("cuda") == pytest.approx(losses("cpu"), rel=1e-4)


def test_new_tensors_are_made_where_the_block_says():
    with nb.device("cuda"):
        assert all(t.is_cuda for t in (nb.zeros(2), nb.tensor([1.0]), nb.rand(2), nb.arange(3), nb.eye(2)))
        assert nb.zeros(2, device="cpu").device.type == "cpu"
        assert nb.nn.Linear(1, 1).weight.is_cuda
    assert not nb.zeros(2).is_cuda
    assert nb.zeros_like(nb.zeros(2, device="cuda")).is_cuda
    assert nb.zeros(2, device="cuda").new_ones(2).is_cuda


def test_each_device_has_its_own_generator():
    nb.manual_seed(3)
    a, b = nb.rand(4), nb.rand(4, device="cuda")
    nb.manual_seed(3)
    assert nb.equal(nb.rand(4, device="cuda"), b)
    assert nb.equal(nb.rand(4), a)
    state = nb.cuda.get_rng_state()
    c = nb.randn(3, device="cuda")
    nb.cuda.set_rng_state(state)
    assert nb.equal(nb.randn(3, device="cuda"), c)
    g = nb.Generator("cuda").manual_seed(1)
    assert nb.rand(2, device="cuda", generator=g).is_cuda
    with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator but found 'cuda'"):
        nb.rand(2, generator=g)
    assert nb.nn.functional.dropout(nb.ones(100, device="cuda"), 0.5).is_cuda


def test_memory_is_counted():
    nb.cuda.empty_cache()
    nb.cuda.reset_peak_memory_stats()
    before = nb.cuda.memory_allocated()
    x = nb.zeros(1 << 20, device="cuda")
    assert nb.cuda.memory_allocated() >= before + x.nbytes
    del x
    assert nb.cuda.max_memory_allocated() >= before + (4 << 20)
    assert nb.cuda.memory_allocated() < before + (4 << 20)
    free, total = nb.cuda.mem_get_info()
    assert 0 < free <= total == nb.cuda.get_device_properties().total_memory
    assert nb.cuda.memory_reserved() >= nb.cuda.memory_allocated()
    assert "allocated_bytes.all.peak" in nb.cuda.memory_summary()


def test_events_and_streams_order_the_work():
    start, end = nb.cuda.Event(enable_timing=True), nb.cuda.Event(enable_timing=True)
    side = nb.cuda.Stream()
    start.record()
    side.wait_stream(nb.cuda.current_stream())
    with nb.cuda.stream(side):
        assert nb.cuda.current_stream() == side
        y = nb.ones(1000, device="cuda") * 2
    nb.cuda.current_stream().wait_stream(side)
    end.record()
    nb.cuda.synchronize()
    assert end.query()
    assert start.elapsed_time(end) >= 0
    assert y.sum().item() == 2000


def test_the_gpu_has_a_name_and_is_the_accelerator():
    assert nb.cuda.get_device_name() == nb.cuda.get_device_properties(0).name
    assert nb.cuda.get_device_capability() >= (5, 0)
    assert nb.accelerator.current_accelerator() == nb.device("cuda")
    assert nb.accelerator.device_count() == nb.cuda.device_count() > 0
    assert nb.version.cuda is not None
    nb.cuda.set_device(0)
    with nb.cuda.device(0):
        assert nb.cuda.current_device() == 0


def test_cupy_shares_memory():
    import cupy

    array = cupy.zeros(3, cupy.float32)
    for x in (nb.from_dlpack(array), nb.as_tensor(array), nb.asarray(array)):
        array[0] += 1
        x[1] += 1
        assert nb.equal(x.cpu(), nb.from_numpy(array.get()))
    back = cupy.asarray(nb.ones(2, device="cuda"))
    assert back.tolist() == [1, 1]
    assert cupy.from_dlpack(nb.ones(2, device="cuda")).tolist() == [1, 1]


def test_saved_tensors_come_back_to_their_device():
    file = io.BytesIO()
    nb.save({"x": nb.ones(2, device="cuda"), "y": nb.ones(1)}, file)
    file.seek(0)
    found = nb.load(file)
    assert found["x"].is_cuda
    assert not found["y"].is_cuda
    file.seek(0)
    assert not nb.load(file, map_location="cpu")["x"].is_cuda


def test_pinned_memory_is_recognised():
    x = nb.arange(4.0).pin_memory()
    assert x.is_pinned()
    assert not nb.arange(4.0).is_pinned()
    assert np.array_equal(x.to("cuda", non_blocking=True).cpu().numpy(), x.numpy())


def test_a_process_forked_after_the_gpu_was_used_is_told_so():
    x = nb.ones(2, device="cuda")
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            nb.manual_seed(0)
            assert nb.rand(2).sum() > 0
            x * 2
        except RuntimeError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert b"Cannot re-initialize CUDA in forked subprocess" in os.read(reader, 1000)


def test_several_gpus_compute_each_on_their_own():
    if nb.cuda.device_count() < 2:
        pytest.skip("needs two GPUs")
    a, b = (nb.ones(2, 3, device=f"cuda:{i}", requires_grad=True) for i in range(2))
    hidden = (a * 2).tanh().to("cuda:1")
    out = (hidden @ b.T).softmax(-1).square().sum()
    assert out.device == b.device
    out.backward()
    assert (a.grad.device.index, b.grad.device.index) == (0, 1)
    assert nb.cuda.current_device() == 0
    here = nb.ones(2, 3, requires_grad=True)
    ((here * 2).tanh() @ nb.ones(3, 2)).softmax(-1).square().sum().backward()
    nb.testing.assert_close(a.grad.cpu(), here.grad)
    nb.optim.Adam([a, b], lr=0.1).step()
    assert (a.device.index, b.device.index) == (0, 1)


def test_what_ran_on_the_gpu_is_recorded():
    x = nb.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    with nb.trace(values="all") as trace:
        loss = (x * x).sum()
        loss.backward()
    text = trace.source()
    assert "sum" in text
    assert nb.equal(x.grad.cpu(), nb.tensor([2.0, 4.0]))


def test_errors_on_the_gpu_are_those_of_the_cpu():
    def wrong(device: str) -> list[tuple[type, str]]:
        one, two = nb.ones(2, 3, device=device), nb.ones(2, 2, device=device)
        found = []
        for attempt in (
            lambda: one + two, lambda: one @ one, lambda: one.view(5), lambda: one.max(5), lambda: one[7],
            lambda: nb.linalg.inv(two * 0), lambda: nb.linalg.cholesky(-two),
        ):  # fmt: skip
            with pytest.raises(Exception) as error:  # noqa: PT011  (which one is compared below)
                attempt()
            found.append((error.type, str(error.value).partition("\n")[0]))
        return found

    assert wrong("cuda") == wrong("cpu")
