"""Names of torch that are not here: why, and what to type instead.

`torch.sparse_coo_tensor` is an AttributeError as any unknown name is (so `hasattr` is False), but one that says why.
The page docs/SUPPORTED.md is made from this table, and a test holds that each name of torch is either here or in it.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple


class Absence(NamedTuple):
    """A reason that several names share."""

    title: str
    why: str
    hint: str
    names: str
    """Patterns as in a shell, below `torch.`, separated by blanks."""


ABSENCES = (
    Absence(
        "Sparse tensors",
        "all tensors are dense",
        "keep it dense; .to_dense() does nothing to a dense tensor",
        "sparse sparse_* sparse.* *.sparse smm dsmm hsmm hspmm spmm saddmm sspaddmm *_sparse* *indices_copy "
        "values_copy Tensor.coalesce Tensor.*indices Tensor.values Tensor.*sparse* Tensor.dense_dim "
        "Tensor.is_coalesced Tensor.smm Tensor.sspaddmm optim.SparseAdam autograd.sparse",
    ),
    Absence(
        "Quantised tensors and the small dtypes for them",
        "there are no quantised tensors, and NumPy has no numbers smaller than 8 bits",
        "torch.float16 and torch.int8 are the smallest dtypes here",
        "*quantize* *qparams* q_* qint* quint* QInt* QUInt* qscheme int_repr fbgemm_* "
        "fused_moving_avg_obs_fake_quant per_channel_* per_tensor_* Tensor.q_* Tensor.qscheme Tensor.int_repr "
        "nn.quant* nn.qat nn.intrinsic ao float8_* float4_* int[1-7] uint[1-7] bit bits* complex32 chalf "
        "Tensor.chalf nn.functional.*scaled_mm nn.functional.scaled_grouped_mm nn.functional.ScalingType "
        "nn.functional.SwizzleType nn.functional.grouped_mm",
    ),
    Absence(
        "The compiler, scripts and symbolic shapes",
        "nothing is compiled: programs run as the Python they are",
        "leave it out, or use torch.compile, which returns the program as it is",
        "cond while_loop sym_* fx export library _dynamo *ir_module* parse_* merge_type_from_type_comment "
        "unify_type_list jit.* compiler.* *Type *IR* Sym* Script* classes ops AggregationType AVG SUM AliasDb "
        "Argument* Benchmark* Block CallStack Capsule Code CompilationUnit CompleteArgumentSpec ConcreteModule* "
        "DeepCopyMemoTable DispatchKey* ErrorReport Exclude* ExecutionPlan FatalError FileCheck FunctionSchema "
        "Gradient Graph* IODescriptor JITException Lite* Lock* Node NoneType NoopLogger OperatorInfo PyTorchFile* "
        "Static* Tag Throughput* TracingState Type Use Value BufferDict ModuleDict ParameterDict "
        "*SerializationStorageContext func.functionalize func.debug_unwrap",
    ),
    Absence(
        "Several processes and machines",
        "a program runs in one process",
        "leave it out; DataLoader(num_workers=…) reads with threads",
        "distributed.* multiprocessing futures Future fork wait monitor is_distributed Tensor.is_distributed "
        "nn.SyncBatchNorm nn.parallel.* utils.data.DistributedSampler utils.data.distributed "
        "prepare_multiprocessing_environment get_file_path from_file cuda.nccl cuda.ipc_collect "
        "cuda.can_device_access_peer thread_safe_generator random.thread_safe_generator",
    ),
    Absence(
        "Other makers' libraries",
        "it is one library's own form of an op, and computing is NumPy's and CuPy's here",
        "use the function without the maker's name, such as torch.nn.functional.conv2d",
        "backends.* cudnn_* miopen_* mkldnn_* Tensor.*mkldnn *vulkan* native_* batch_norm_* mps xpu mtia mps.* "
        "xpu.* Tensor.ipu Tensor.xpu Tensor.mtia Tensor.is_ipu Tensor.is_maia Tensor.is_mtia Tensor.is_xla "
        "get_device_module _foreach_* *_xla_* *_ipu_* cuda.gds cuda.tunable cpu cpu.* nn.functional.native_* "
        "choose_qparams_optimized compiled_with_cxx11_abi init_num_threads profiler_* hash_tensor "
        "Tensor.hash_tensor",
    ),
    Absence(
        "Views made for the compiler",
        "torch makes it for its compiler",
        "take the view without the word: torch.split for torch.unsafe_split",
        "slice_inverse Tensor.slice_inverse Tensor.narrow_copy unsafe_* Tensor.unsafe_*",
    ),
    Absence(
        "Nested, masked and named tensors",
        "a tensor is one block with numbered dimensions",
        "pad to one length, and keep a mask beside it",
        "nested nested.* masked masked.* jagged Tensor.*padded_tensor Tensor.is_nested Tensor.align_* Tensor.names "
        "Tensor.refine_names Tensor.rename* Tensor.has_names Tensor.name",
    ),
    Absence(
        "Shapes written as patterns",
        "there is one way to give dimensions, by number",
        "permute the dimensions, then reshape: x.permute(1, 0, 2).reshape(6, 4)",
        "func.rearrange",
    ),
    Absence(
        "Memory by hand",
        "memory is NumPy's and CuPy's",
        "copy what you need with clone() or copy_()",
        "Tensor.share_memory_ Tensor.is_shared Tensor.const_data_ptr Tensor.record_stream Tensor.map_ Tensor.map2_ "
        "Tensor.module_load utils.swap_tensors Tensor.storage_type empty_permuted *Storage cuda.*Storage StorageBase "
        "serialization.*storage* serialization.StorageType serialization.*mmap* serialization.*endianness* "
        "serialization.*Endianness serialization.*crc32* serialization.*_device serialization.skip_data "
        "serialization.location_tag serialization.default_restore_location serialization.register_package "
        "serialization.check_module_version_greater_or_equal serialization.*Warning serialization.mkdtemp "
        "serialization.get_unsafe_globals_in_checkpoint autograd.graph.region_activation_memory_budget "
        "autograd.graph.set_* autograd.graph.increment_version Tensor.grad_dtype",
    ),
    Absence(
        "CUDA beyond computing on it",
        "the GPU is driven by CuPy",
        "cupy.cuda has graphs, pools, profiler marks and the driver's functions",
        "cuda.*graph* cuda.CUDAGraph cuda.*allocator* cuda.CUDAPluggableAllocator cuda.*Mem* cuda.*mem_pool "
        "cuda.host_memory* cuda.*host_memory_stats cuda.*handle cuda.cudart cuda.cudaStatus cuda.check_error "
        "cuda.CudaError cuda.DeferredCudaCallError cuda.*green* cuda.Green* cuda.jiterator cuda.nvtx cuda.profiler "
        "cuda.list_gpu_processes cuda.clock_rate cuda.power_draw cuda.temperature cuda.utilization "
        "cuda.memory_usage cuda.device_memory_used cuda.memory_snapshot cuda.*sync_debug_mode cuda.*per_process* "
        "cuda.get_gencode_flags cuda.has_* cuda.External* cuda.*external cuda.is_current_stream_capturing "
        "cuda.*_nested_dict cuda.reset_accumulated* cuda.memory_cached cuda.max_memory_cached cuda.reset_max_* "
        "accelerator.Graph accelerator.*stats accelerator.empty_host_cache accelerator.max_memory_reserved "
        "accelerator.graphs accelerator.get_device_capability accelerator.memory cuda.is_tf32_supported",
    ),
    Absence(
        "Tools around torch",
        "it belongs to torch's own distribution",
        "models come as state dicts: torch.load reads .pt and .safetensors files",
        "hub hub.* onnx onnx.* package profiler profiler.* autograd.profiler* testing.* overrides utils.tensorboard "
        "utils.benchmark utils.bottleneck utils.cpp_extension utils.mobile_optimizer utils.model_zoo utils.collect_env "
        "utils.flop_counter quasirandom utils.data.*DataPipe utils.data.functional_datapipe utils.data.*determin* "
        "utils.data.runtime_* utils.data.argument_validation utils.data.DataChunk utils.data.datapipes "
        "utils.data.graph* types return_types torch_version nn.functional.*torch_function* "
        "nn.functional.boolean_dispatch nn.functional.assert_int_or_pair nn.functional.Broadcasting* "
        "nn.functional.Tensor classproperty AcceleratorError Tensor.as_subclass Tensor.reinforce Tensor.volatile",
    ),
    Absence(
        "Low-level forms of layers",
        "torch.nn.functional has the form that people call",
        "torch.nn.functional has the same name, or nearly so; whole recurrent networks are in torch.nn",
        "adaptive_max_pool1d affine_grid_generator batch_norm binary_cross_entropy_with_logits "
        "constant_pad_nd convolution cosine_embedding_loss ctc_loss embedding embedding_bag embedding_renorm_ "
        "feature_*dropout* alpha_dropout_ dropout_ grid_sampler* gru gru_cell lstm lstm_cell rnn_* "
        "hinge_embedding_loss instance_norm kl_div margin_ranking_loss max_pool*_with_indices "
        "poisson_nll_loss triplet_margin_loss nn.functional.*_with_indices "
        "nn.functional.feature_alpha_dropout",
    ),
    Absence(
        "Parts of modules",
        "it is a part of torch's own files, not a function to call",
        "import the name from torch.nn, torch.optim, torch.autograd",
        "quantization storage set_anomaly_enabled nn.factory_kwargs nn.utils.stateless fft.Tensor "
        "autograd.grad_mode autograd.NestedIOFunction autograd.enforce_grad_layout_policy utils.checkpoint.*Context "
        "utils.checkpoint.SAC_* utils.checkpoint.CheckpointPolicy utils.checkpoint.GraphExecGroup "
        "utils.checkpoint.*selective* utils.checkpoint.check_backward_validity utils.checkpoint.detach_variable "
        "utils.checkpoint.*_device_states optim.swap_in_optimizer_params_and_state Tensor.index",
    ),
    Absence(
        "Layouts of a convolution's weights",
        "arrays lie in memory as they are computed",
        "leave it out; the results are the same",
        "nn.utils.convert_conv*",
    ),
    Absence(
        "What torch has taken away or is about to",
        "torch itself warns about it, or raises when it is called",
        "use what torch names in its place: torch.linalg, torch.nn.functional.interpolate, nn.Module",
        "solve symeig eig lstsq matrix_rank Tensor.solve Tensor.symeig Tensor.eig Tensor.lstsq "
        "legacy_contiguous_format norm_except_dim nuclear_norm frobenius_norm Tensor.resize "
        "Tensor.resize_as conv_tbc nn.functional.conv_tbc "
        "*autocast_cpu* *autocast_gpu* autocast_*_nesting *autocast_cache*",
    ),
)


@cache
def absence(path: str) -> Absence | None:
    """Why torch's name `path` (without `torch.` before it) is not here; None for what no reason speaks of."""
    return next((a for a in ABSENCES if any(fnmatchcase(path, pattern) for pattern in a.names.split())), None)


def absent(space: str, name: str, owner: str = "Tensor") -> AttributeError:
    """The error for `name` in torch's namespace `space` ("" for torch itself); for tensors with their class's name."""
    path = f"{space}.{name}" if space else name
    found = None if name.startswith("_") else absence(path)
    if found is not None:
        return AttributeError(f"torch.{path} is not supported by nbautograd: {found.why}.\n  hint: {found.hint}")
    if space == "Tensor":
        return AttributeError(f"'{owner}' object has no attribute '{name}'")
    return AttributeError(f"module '{'.'.join(filter(None, ('torch', space)))}' has no attribute '{name}'")


def refuse_in(space: str) -> Callable[[str], Any]:
    """A module's `__getattr__` for torch's namespace `space`."""

    def missing(name: str) -> Any:
        raise absent(space, name)

    return missing
