"""Devices, torch.cuda without a GPU, and what a tensor says of itself and its memory: PyTorch's answers and errors."""

from __future__ import annotations

import copy
import threading

import pytest

import nbautograd as nb
from tests.ops.beside import both, expressions


@expressions("""
    torch.device("cuda")
    torch.device("mps")
    torch.device("meta")
    torch.device("xpu:1")
    torch.device("foo")
    torch.device("cuda:")
    torch.device("cuda:a")
    torch.device("cuda:01")
    torch.device("")
    torch.device("CPU")
    torch.device("cpu:0")
    torch.device("cpu:0") == torch.device("cpu")
    torch.device("cuda") == "cuda"
    torch.device("cuda", 1)
    torch.device("cuda", -1)
    torch.device("cuda:0", 1)
    torch.device(type="cuda", index=1)
    torch.device(torch.device("cpu"))
    str(torch.device("cuda:1"))
    torch.device("cuda:1").index
    torch.device("cuda").type
    hash(torch.device("cpu")) == hash(torch.device("cpu"))
    torch.zeros(2, device="cpu:0").device
    torch.zeros(1, device=torch.device("cpu"))
    torch.zeros(1).to("foo")
    torch.get_default_device()
    torch.zeros(1).is_pinned()
    torch.zeros(1, pin_memory=False)
    torch.ones(2).cpu() is None
    torch.finfo(torch.float32)
    torch.finfo(torch.float16)
    torch.finfo(torch.float64).eps
    torch.finfo(torch.bfloat16)
    torch.finfo(torch.complex64)
    torch.finfo()
    torch.finfo(torch.int32)
    torch.finfo(torch.float32).tiny
    torch.iinfo(torch.uint8)
    torch.iinfo(torch.int64).max
    torch.iinfo(torch.float32)
    torch.iinfo(torch.bool)
    torch.promote_types(torch.uint16, torch.uint8)
    torch.promote_types(torch.uint16, torch.float32)
    torch.promote_types(torch.bfloat16, torch.float16)
    torch.can_cast(torch.float64, torch.int64)
    torch.float32.to_complex()
    torch.complex128.to_real()
    torch.uint8.is_signed
    torch.float16.itemsize
    torch.bfloat16
    torch.set_default_dtype(torch.int32)
    torch.set_default_dtype("float32")
    torch.strided
    torch.channels_last
    torch.ones(2).layout
    torch.arange(6.0).view(2, 3).T.stride()
    torch.arange(6.0).view(2, 3)[:, 1].storage_offset()
    torch.arange(6.0).view(2, 3)[:, 1].storage().size()
    torch.arange(3.0).storage()
    torch.arange(3.0).storage().tolist()
    torch.arange(3.0)[1:].storage()[0]
    torch.arange(3.0).storage().dtype
    torch.arange(3, dtype=torch.uint8).untyped_storage()
    torch.arange(3.0).untyped_storage().nbytes()
    torch.arange(3.0).untyped_storage().size()
    torch.is_storage(torch.ones(1).untyped_storage())
    torch.arange(6.0).resize_(2, 2)
    torch.arange(4.0).resize_(2, 3).shape
    torch.ones(2, requires_grad=True).resize_(3)
    torch.arange(6.0).resize_as_(torch.ones(3))
    torch.tensor([]).set_(torch.ones(3))
    torch.tensor([]).set_(torch.arange(6.0).untyped_storage(), 1, (2, 2), (2, 1))
    torch.ones(2, 3).dim_order()
    torch.ones(2, 3).T.dim_order()
    torch.ones(2).is_sparse
    torch.ones(2).is_quantized
    torch.ones(2).is_cpu
    torch.ones(2).is_signed()
    torch.ones(2).is_same_size(torch.ones(3))
    torch.ones(2).to_dense()
    torch.ones(2).get_device()
    torch.ones(2).element_size()
    torch.is_nonzero(torch.tensor(0.0))
    torch.is_nonzero(torch.ones(2))
    torch.ones(2, 3).sum_to_size(1, 3)
    torch.ones(2, 3).sum_to_size(3)
    torch.ones(2, 3).sum_to_size(2, 2)
    torch.arange(3.0).apply_(lambda v: v + 1)
    torch.ones(1, requires_grad=True).apply_(lambda v: v)
    torch.ones(1).to("cpu", torch.float64)
    torch.ones(1).to(torch.float32, copy=True)
    torch.ones(1).to(torch.ones(1, dtype=torch.int64))
    torch.ones(1).to(device=None)
    torch.ones(1).to("cpu", non_blocking=True)
    torch.ones(1).bfloat16()
    torch.ones(1).type()
    torch.ones(1).type("torch.LongTensor")
    torch.ones(1).type(torch.IntTensor)
    torch.ones(1).type("foo")
    torch.ones(2).type_as(torch.ones(1, dtype=torch.int32))
    torch.ones(2).new([1, 2])
    torch.ones(2).new(3).shape
    torch.ones(2, dtype=torch.int64).new_tensor([1.5])
    torch.ones(2).new_empty_strided((2, 3), (1, 2)).stride()
    torch.empty_strided((2, 3), (1, 2)).stride()
    torch.FloatTensor([1, 2])
    torch.FloatTensor(2, 3).shape
    torch.FloatTensor(torch.ones(2))
    torch.LongTensor([1.5])
    torch.BFloat16Tensor([1.5])
    torch.Tensor(torch.Size([2, 3])).shape
    torch.Tensor(torch.ones(2, 3).size()).shape
    torch.Tensor(2, 3, device="cpu").shape
    torch.Tensor([1, 2], device="cpu")
    torch.Tensor((1, 2))
    torch.Tensor(np.ones(2))
    torch.Tensor(np.int64(3)).shape
    torch.Tensor([torch.tensor(1.0), 2])
    torch.Tensor(torch.arange(3))
    torch.Tensor()
    torch.Tensor("a")
    torch.Tensor({1})
    torch.Tensor([[1], [2, 3]])
    torch.Tensor(True)
    torch.Tensor(2.0)
    torch.Tensor(-1)
    torch.ones(2).new(torch.Size([3])).shape
    torch.nn.Parameter(torch.Tensor(2, 2).fill_(1))
    torch.FloatTensor
    torch.cuda.FloatTensor
    torch.typename(torch.ones(1))
    isinstance(torch.ones(1), torch.FloatTensor)
    isinstance(torch.ones(1), torch.cuda.FloatTensor)
    torch.ones(1, 2, 3, 4).contiguous(memory_format=torch.channels_last).stride()
    torch.ones(1, 2, 3, 4).to(memory_format=torch.channels_last).is_contiguous()
    torch.ones(1, 2, 3, 4).is_contiguous(memory_format=torch.channels_last)
    torch.ones(2).contiguous(memory_format=torch.channels_last)
    torch.ones(2).nothing
    torch.nothing
    torch.Generator().manual_seed(3).initial_seed()
    torch.Generator().device
    torch.randint(3, (2,), generator=None).shape
    torch.randint(0, 3, size=()).shape
    torch.randint(5, 3, (2,))
    torch.randperm(0)
    torch.arange(4).random_(1).tolist()
    torch.zeros(4).random_(3, 4)
    torch.get_float32_matmul_precision()
    torch.get_num_interop_threads() > 0
    torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(0)
    torch.Size([2, 3]) * 2
    torch.Size([2, 3]).numel()
    torch.Size([2]) + (3,)
""")
def test_the_answer_is_torchs(expression: str):
    ours, torchs = both(expression)
    assert ours == torchs


NO_GPU = """
    torch.device(0)
    torch.zeros(1).cuda()
    torch.zeros(1).to("cuda:0")
    torch.zeros(1, device="cuda")
    torch.ones(1).pin_memory()
    torch.zeros(1, pin_memory=True)
    torch.cuda.is_available()
    torch.cuda.device_count()
    torch.cuda.current_device()
    torch.cuda.get_device_name()
    torch.cuda.get_device_properties(0)
    torch.cuda.get_device_capability()
    torch.cuda.synchronize()
    torch.cuda.memory_allocated()
    torch.cuda.max_memory_allocated()
    torch.cuda.memory_reserved()
    torch.cuda.mem_get_info()
    torch.cuda.memory_stats()
    torch.cuda.empty_cache()
    torch.cuda.manual_seed(0)
    torch.cuda.manual_seed_all(0)
    torch.cuda.seed_all()
    torch.cuda.get_rng_state()
    torch.cuda.get_rng_state_all()
    torch.cuda.initial_seed()
    torch.cuda.is_bf16_supported()
    torch.cuda.is_initialized()
    torch.cuda.init()
    torch.cuda.current_stream()
    torch.cuda.stream(None).__enter__()
    torch.cuda.get_arch_list()
    torch.cuda.default_generators
    torch.accelerator.is_available()
    torch.accelerator.current_accelerator()
    torch.accelerator.device_count()
    torch.accelerator.current_device_index()
    torch.accelerator.synchronize()
    torch.backends.mps.is_available()
    torch.backends.mps.is_built()
    torch.backends.cuda.is_built()
    torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.foo
    torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.benchmark
    torch.backends.cudnn.deterministic
    torch.backends.cudnn.enabled
    torch.backends.cudnn.is_available()
    torch.backends.cudnn.version()
    torch.mps.is_available()
    torch.xpu.is_available()
    torch.version.cuda
    torch.version.hip
"""


@expressions(NO_GPU)
@pytest.mark.skipif(nb.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_answer_is_that_of_a_torch_without_cuda(expression: str):
    ours, torchs = both(expression)
    assert ours == torchs


@pytest.mark.skipif(nb.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("make", [nb.cuda.Event, nb.cuda.Stream, nb.cuda.FloatTensor, nb.cuda.current_stream])
def test_without_a_gpu_its_tools_refuse(make: object):
    with pytest.raises((AssertionError, RuntimeError, TypeError), match="CUDA"):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("kind", ["mps", "xpu", "meta", "hpu"])
def test_a_device_that_nbautograd_does_not_compute_on_says_so(kind: str):
    assert nb.device(kind).type == kind
    with pytest.raises(NotImplementedError, match=rf"{kind} devices: nbautograd computes on 'cpu' and 'cuda' only"):
        nb.zeros(1, device=kind)
    with pytest.raises(NotImplementedError, match="hint"):
        nb.zeros(1).to(kind)


def test_new_tensors_go_to_the_device_of_the_block_or_of_the_program():
    with nb.device("meta"):
        assert nb.get_default_device() == nb.device("meta")
        with pytest.raises(NotImplementedError, match="meta"):
            nb.zeros(1)
        with nb.device("cpu"):
            assert nb.rand(2).device.type == "cpu"
        assert nb.zeros(1, device="cpu").tolist() == [0]
    nb.set_default_device("meta")
    try:
        for make in (lambda: nb.tensor([1.0]), lambda: nb.arange(3), lambda: nb.randn(2), lambda: nb.eye(2)):
            with pytest.raises(NotImplementedError, match="meta"):
                make()
        assert nb.zeros_like(nb.from_numpy(nb.ones(2, device="cpu").numpy())).device.type == "cpu"
        there: list[nb.device] = []
        thread = threading.Thread(target=lambda: there.append(nb.get_default_device()))
        thread.start()
        thread.join()
        assert there == [nb.device("cpu")]
    finally:
        nb.set_default_device(None)
    assert nb.get_default_device() == nb.device("cpu")


def test_the_default_tensor_type_sets_the_default_dtype():
    nb.set_default_tensor_type("torch.DoubleTensor")
    try:
        assert nb.ones(1).dtype is nb.float64
        nb.set_default_tensor_type(nb.FloatTensor)
        assert nb.ones(1).dtype is nb.float32
        with pytest.raises(TypeError, match="invalid type object"):
            nb.set_default_tensor_type(3)
    finally:
        nb.set_default_dtype(nb.float32)


def test_views_of_one_storage_have_one_address():
    x = nb.arange(6.0).view(2, 3)
    assert x[1].untyped_storage().data_ptr() == x.untyped_storage().data_ptr() == x.data_ptr()
    assert x[1].data_ptr() - x.data_ptr() == 12
    assert x.is_set_to(x.view(2, 3))
    assert not x.is_set_to(x.T)
    y = nb.tensor([0.0])
    y.set_(x)
    y[0, 0] = 7
    assert x[0, 0] == 7
    x.untyped_storage()[:4] = 0
    assert x[0, 0] == 0


def test_a_small_resize_keeps_the_memory():
    x = nb.arange(6.0)
    address = x.data_ptr()
    assert x.resize_(2, 2).data_ptr() == address


def test_switches_of_backends_are_remembered():
    from nbautograd import backends

    backends.cuda.matmul.allow_tf32 = True
    assert nb.get_float32_matmul_precision() == "high"
    nb.set_float32_matmul_precision("highest")
    assert backends.cuda.matmul.allow_tf32 is False
    with pytest.raises(AttributeError, match="Unknown attribute"):
        backends.cuda.matmul.nothing = True
    with pytest.warns(UserWarning, match="is not one of 'highest', 'high', or 'medium'"):
        nb.set_float32_matmul_precision("low")
    with backends.cudnn.flags(enabled=False, deterministic=True):
        assert backends.cudnn.deterministic
        assert not backends.cudnn.enabled
    assert backends.cudnn.enabled
    nb.use_deterministic_algorithms(True, warn_only=True)
    assert nb.get_deterministic_debug_mode() == 1
    nb.set_deterministic_debug_mode("default")
    assert not nb.are_deterministic_algorithms_enabled()
    assert backends.cpu.get_cpu_capability()


def test_compiling_returns_the_program():
    @nb.compile
    def plain(x):
        return x + 1

    @nb.compile(mode="max-autotune", fullgraph=True)
    def with_options(x):
        return x + 1

    model = nb.nn.Linear(1, 1)
    assert nb.compile(model) is model
    assert plain(1) == with_options(1) == 2
    assert nb.jit.script(model) is model
    assert nb.jit.trace(model, nb.ones(1, 1)) is model
    assert not nb.compiler.is_compiling()


def test_generators_of_their_own_do_not_touch_the_default_one():
    nb.manual_seed(1)
    a = nb.rand(3)
    nb.manual_seed(1)
    g = nb.Generator("cpu").manual_seed(5)
    first = nb.rand(3, generator=g.clone_state())
    assert nb.equal(nb.rand(3), a)
    assert nb.equal(nb.rand(3, generator=g), first)
    with nb.random.fork_rng():
        nb.rand(100)
    state = nb.random.get_rng_state()
    b = nb.rand(2)
    nb.random.set_rng_state(state)
    assert nb.equal(nb.rand(2), b)


def test_the_version_and_saving_are_where_programs_look_for_them():
    assert nb.version.__version__ == nb.__version__
    assert nb.serialization.load is nb.load


def test_a_shallow_copy_shares_the_memory_and_a_deep_one_does_not():
    for x in (nb.zeros(2), nb.nn.Parameter(nb.zeros(2)), nb.tensor(0.0)):
        shallow, deep = copy.copy(x), copy.deepcopy(x)
        x.data.fill_(1)
        assert type(shallow) is type(deep) is type(x)
        assert shallow.requires_grad == x.requires_grad
        assert shallow.is_leaf
        assert bool((shallow == 1).all())
        assert bool((deep == 0).all())
