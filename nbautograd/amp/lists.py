"""Which ops run in half precision under autocast, and which insist on float32: torch's lists in our ops' names.

Everything else takes what it gets.
"""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PRODUCTS = _names(
    """
    addbmm addmm baddbmm bmm chain_matmul conv_transpose convolution einsum linear lstm matmul mm mm_nt mm_tn multi_dot
    prelu_kernel rnn rnn_cell rnn_relu rnn_relu_cell scaled_dot_product_attention
    """
)
"""What is fast and safe in half precision: it multiplies, and adds up in more digits."""

_CUDA_PRODUCTS = _names("gru gru_cell lstm_cell mv")

_LOSSES = _names(
    """
    bce bce_with_logits binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss
    cross_entropy ctc_loss hinge_embedding_loss huber_loss kl_div l1_loss margin_ranking_loss mse_loss
    multi_margin_loss multilabel_margin_loss nll_loss nll_loss2d poisson_nll_loss smooth_l1_loss soft_margin_loss
    triplet_margin_loss
    """
)

_FACTORISATIONS = _names(
    """
    cholesky cholesky_inverse cholesky_solve cofactors det inv inv_ex lu_factor linalg_eig linalg_eigh linalg_qr
    linalg_svd matrix_exp pinv slogdet solve solve_triangular
    """
)

_CPU_FLOAT32 = _names(
    """
    adaptive_avg_pool3d adaptive_max_pool3d avg_pool3d cdist fractional_max_pool2d fractional_max_pool3d
    grid_sampler max_pool3d max_unpool2d max_unpool3d nanquantile polar prod prod_dim quantile reflectionpad1d
    reflectionpad2d replicationpad1d replicationpad2d replicationpad3d stft trace view_as_complex
    """
)

_CUDA_FLOAT32 = _names(
    """
    acos asin cdist cosh cosine_similarity cumprod cumsum dist erfinv exp expm1 group_norm layer_norm
    linalg_vector_norm log log10 log1p log2 log_softmax logsumexp norm pow pow_number pow_of_number prod
    prod_dim reciprocal renorm rsqrt sinh softmax softplus sum sum_dim tan upsample_bicubic2d
    upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d
    upsample_trilinear3d
    """
)

LOWER = {"cpu": _PRODUCTS, "cuda": _PRODUCTS | _CUDA_PRODUCTS}
AS_STATE = {"cpu": _names("gru gru_cell lstm_cell"), "cuda": _names("")}
"""What runs in the dtype of the state it is given, its second input: torch computes these from smaller parts."""
FLOAT32 = {"cpu": _LOSSES | _FACTORISATIONS | _CPU_FLOAT32, "cuda": _LOSSES | _FACTORISATIONS | _CUDA_FLOAT32}
