"""Which file gives which names, of those that are not read at once; `tests/ops/catalogue.py` writes this."""

OPS = """
activation.gelu: gelu gelu_slope gelu_tanh gelu_tanh_slope
activation.piecewise: hardshrink hardsigmoid hardswish hardtanh softshrink threshold
activation.rectifiers: celu elu leaky_relu prelu_kernel relu rrelu_with_noise selu
activation.smooth: glu logsigmoid mish silu silu_slope softplus
activation.softmax: log_softmax log_softmax_backward softmax softmax_backward
attention: attention_backward scaled_dot_product_attention
batch_norm: batch_norm batch_norm_applied batch_norm_backward
complex.directions: angle sgn
complex.pairs: complex polar view_as_complex view_as_real
conv.convolution: conv_taps conv_transpose convolution
conv.fold: col2im im2col
elementwise.exponential: exp exp2 expm1 ldexp log log10 log1p log2 logaddexp logaddexp2 sigmoid sigmoid_backward
elementwise.extremes: fmax fmin maximum minimum
elementwise.fused: addcdiv addcmul lerp lerp_number
elementwise.hyperbolic: acosh asinh atanh cosh sinh tanh tanh_backward
elementwise.integers: frexp gcd lcm
elementwise.kinds: isfinite isinf isnan isneginf isposinf signbit
elementwise.trigonometric: acos asin atan atan2 cos deg2rad hypot rad2deg sin sinc tan
fft.transforms: fft_c2c fft_c2r fft_r2c
group_norm: group_norm group_norm_backward
index.along: gather scatter scatter_add scatter_along take_along_dim
index.embedding: embedding embedding_backward
index.embedding_bag: embedding_bag
index.masks: masked_fill masked_scatter masked_select
index.positions: index_add index_copy index_fill index_select take
index.reducing: scatter_reduce
linalg.cholesky: cholesky
linalg.determinant: cofactors det slogdet
linalg.einsum: einsum
linalg.functions: matrix_exp
linalg.ldl: ldl_factor ldl_solve
linalg.least_squares: pinv
linalg.linear: addmm linear
linalg.solve: inv inv_ex solve solve_triangular
linalg.spectrum: linalg_eig linalg_eigh linalg_svd
linalg.triangles: linalg_qr lu_factor rows_in_order
linalg.vectors: cross_product euclidean_dist vdot
loss.binary: bce bce_with_logits
loss.classification: cross_entropy cross_entropy_backward
loss.ctc: ctc_loss
loss.nll: nll_loss nll_loss2d nll_loss_backward
loss.regression: huber mse_loss smooth_l1
norm: known_normal layer_norm layer_norm_backward
packing: pack_padded_sequence pad_packed_sequence
pad: circularpad1d circularpad2d circularpad3d constant_pad reflectionpad1d reflectionpad2d reflectionpad3d
pad: replicationpad1d replicationpad2d replicationpad3d
pixel: pixel_shuffle pixel_unshuffle
pool.adaptive: max_unpool2d max_unpool3d
pool.bins: adaptive_max_pool2d adaptive_max_pool3d
pool.fractional: fractional_max_pool2d fractional_max_pool3d
pool.maxima: max_pool2d max_pool2d_backward max_pool2d_backward_backward max_pool3d max_pool_indices
pool.means: adaptive_avg_pool2d adaptive_avg_pool3d avg_pool2d avg_pool2d_backward avg_pool3d
pool.places: put_at take_at
random.draws: bernoulli normal normal_in_place uniform_in_place
random.implicit: dirichlet_draw gamma_draw
recurrent_gru: gru gru_backward gru_cell gru_cell_backward
recurrent_lstm: lstm lstm_backward lstm_cell lstm_cell_backward
recurrent_rnn: rnn rnn_backward rnn_cell rnn_cell_backward rnn_relu_cell
reduce.cumulative: cummax cummin cumprod cumsum logcumsumexp
reduce.extremes: amax amin max max_dim min min_dim
reduce.norms: linalg_vector_norm logsumexp
reduce.order: kthvalue median median_dim mode nanmedian nanmedian_dim
reduce.sorting: sort topk
reduce.statistics: std variance
resample.axes: along_axes
resample.interpolate: upsample_bicubic2d upsample_bicubic2daa upsample_bilinear2d upsample_bilinear2daa
resample.interpolate: upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_nearestexact1d
resample.interpolate: upsample_nearestexact2d upsample_nearestexact3d upsample_trilinear3d
rms_norm: known_inverse_root rms_norm
shape.copies: flip repeat roll roll_table
shape.diagonals: diag_embed diagonal diagonal_copy diagonal_scatter trace tril triu
shape.history: as_strided view_scatter
shape.joining: cat stack
shape.windows: strided unfold
special.bessel: i0 i0e i1 i1e
special.gamma: digamma igamma igammac lgamma mvlgamma polygamma zeta
special.logarithms: entr logit xlog1py xlogy xlogy_by_number xlogy_of_number
special.more_bessel: airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_i0 modified_bessel_i1
special.more_bessel: modified_bessel_k0 modified_bessel_k1 scaled_modified_bessel_k0 scaled_modified_bessel_k1
special.more_bessel: spherical_bessel_j0
special.normal: erf erfc erfcx erfinv log_ndtr ndtri
special.polynomials: chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w
special.polynomials: hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p
special.polynomials: shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v
special.polynomials: shifted_chebyshev_polynomial_w
"""

FUNCTIONS = """
activation.dropout: alpha_dropout dropout feature_alpha_dropout
activation.piecewise: hardshrink threshold
activation.rectifiers: celu prelu relu relu_ rrelu selu
activation.softmax: log_softmax softmax
complex.directions: angle sgn sgn_
complex.pairs: complex polar view_as_complex view_as_real
conv.functions: conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
convert.filling: fill fill_ zero_
convert.memory: TypedStorage UntypedStorage is_storage resize_as_
create.filled: empty empty_strided eye full ones zeros
create.like: empty_like full_like ones_like zeros_like
create.ranges: arange linspace logspace range tril_indices triu_indices
elementwise.exponential: exp exp2 exp2_ exp_ expm1 expm1_ ldexp log log10 log10_ log1p log1p_ log2 log2_ log_ logaddexp
elementwise.exponential: logaddexp2 sigmoid sigmoid_
elementwise.extremes: fmax fmin maximum minimum
elementwise.fused: addcdiv addcmul lerp
elementwise.hyperbolic: acosh acosh_ arccosh arccosh_ arcsinh arcsinh_ arctanh arctanh_ asinh asinh_ atanh atanh_ cosh
elementwise.hyperbolic: cosh_ sinh sinh_ tanh tanh_
elementwise.integers: frexp gcd lcm
elementwise.kinds: is_nonzero isfinite isinf isnan isneginf isposinf isreal signbit
elementwise.trigonometric: acos acos_ arccos arccos_ arcsin arcsin_ arctan arctan2 arctan_ asin asin_ atan atan2 atan_
elementwise.trigonometric: cos cos_ deg2rad deg2rad_ hypot rad2deg rad2deg_ sin sin_ sinc sinc_ tan tan_
fft.short_time: istft stft
fft.windows: bartlett_window blackman_window hamming_window hann_window kaiser_window
group_norm: group_norm
in_place: addmv_ gcd_ index_put_ lcm_ ldexp_ square_ xlogy_
index.along: gather scatter scatter_add take_along_dim
index.masks: masked_fill masked_scatter masked_select
index.membership: isin msort nonzero_static
index.positions: argwhere index_add index_copy index_fill index_select narrow nonzero put repeat_interleave select take
index.reducing: index_reduce scatter_reduce
index.segments: segment_reduce
linalg.blocks: block_diag
linalg.cholesky: cholesky cholesky_inverse cholesky_solve
linalg.determinant: det logdet slogdet
linalg.einsum: einsum inner kron tensordot
linalg.functions: chain_matmul matrix_exp matrix_power
linalg.least_squares: pinverse
linalg.linear: addbmm addmm addmv addr baddbmm
linalg.low_rank: lobpcg pca_lowrank svd_lowrank
linalg.norms: frobenius_norm matrix_rank nuclear_norm
linalg.reflectors: geqrf orgqr ormqr
linalg.solve: inverse triangular_solve
linalg.spectrum: svd
linalg.statistics: corrcoef cov cumulative_trapezoid trapezoid trapz
linalg.triangles: lu lu_solve lu_unpack qr
linalg.vectors: cdist cross pdist renorm vdot
loss.distances: cosine_similarity
norm: layer_norm
pixel: channel_shuffle native_channel_shuffle pixel_shuffle pixel_unshuffle
pool.adaptive: adaptive_avg_pool1d
pool.functions: avg_pool1d max_pool1d max_pool2d max_pool3d
random.draws: bernoulli multinomial normal poisson
random.filled: rand rand_like randint randint_like randn randn_like randperm
random.generators: Generator default_generator get_rng_state initial_seed manual_seed seed set_rng_state
random.implicit: binomial
recurrent_gru: gru_cell
recurrent_lstm: lstm_cell
recurrent_rnn: rnn_relu_cell rnn_tanh_cell
reduce.counting: all any argmax argmin count_nonzero
reduce.cumulative: cummax cummin cumprod cumsum logcumsumexp
reduce.differences: diff gradient
reduce.extremes: amax amin aminmax max min
reduce.histograms: bincount bucketize histc histogram histogramdd searchsorted unique_consecutive
reduce.norms: dist logsumexp norm
reduce.order: kthvalue median mode nanmedian
reduce.quantiles: nanquantile quantile
reduce.sorting: argsort sort topk unique
reduce.statistics: std std_mean var var_mean
shape.copies: flip fliplr flipud roll rot90 tile
shape.diagonals: diag diag_embed diagflat diagonal trace tril triu
shape.joining: cartesian_prod cat column_stack combinations concat concatenate dstack hstack meshgrid row_stack stack
shape.joining: vander vstack
shape.turning: as_strided_
shape.view_copies: alias_copy as_strided_copy detach_copy diagonal_copy expand_copy narrow_copy permute_copy select_copy
shape.view_copies: slice_copy split_copy split_with_sizes_copy squeeze_copy t_copy transpose_copy unbind_copy
shape.view_copies: unfold_copy unsqueeze_copy view_as_complex_copy view_as_real_copy view_copy
shape.windows: as_strided as_strided_scatter diagonal_scatter select_scatter slice_scatter
special.bessel: i0 i0_
special.gamma: digamma digamma_ igamma igammac lgamma lgamma_ mvlgamma polygamma
special.logarithms: logit logit_ xlogy
special.normal: erf erf_ erfc erfc_ erfinv erfinv_
"""

METHODS = """
activation.piecewise: hardshrink
activation.rectifiers: prelu relu relu_
activation.softmax: log_softmax softmax
complex.directions: angle sgn sgn_
convert.filling: copy_ fill_ zero_
convert.memory: apply_ data_ptr is_set_to resize_ resize_as_ set_ storage untyped_storage
create.like: new new_empty new_empty_strided new_full new_ones new_tensor new_zeros
elementwise.exponential: exp exp2 exp2_ exp_ expm1 expm1_ ldexp ldexp_ log log10 log10_ log1p log1p_ log2 log2_ log_
elementwise.exponential: logaddexp logaddexp2 sigmoid sigmoid_
elementwise.extremes: fmax fmin maximum minimum
elementwise.fused: addcdiv addcdiv_ addcmul addcmul_ lerp lerp_
elementwise.hyperbolic: acosh acosh_ arccosh arccosh_ arcsinh arcsinh_ arctanh arctanh_ asinh asinh_ atanh atanh_ cosh
elementwise.hyperbolic: cosh_ sinh sinh_ tanh tanh_
elementwise.integers: frexp gcd gcd_ lcm lcm_
elementwise.kinds: is_nonzero isfinite isinf isnan isneginf isposinf isreal signbit
elementwise.trigonometric: acos acos_ arccos arccos_ arcsin arcsin_ arctan arctan2 arctan2_ arctan_ asin asin_ atan
elementwise.trigonometric: atan2 atan2_ atan_ cos cos_ deg2rad deg2rad_ hypot hypot_ rad2deg rad2deg_ sin sin_ sinc
elementwise.trigonometric: sinc_ tan tan_
fft.short_time: istft stft
in_place: float_power_ mvlgamma_ polygamma_
index.along: gather scatter scatter_ scatter_add scatter_add_ take_along_dim
index.masks: masked_fill masked_fill_ masked_scatter masked_scatter_ masked_select
index.membership: msort nonzero_static
index.positions: argwhere index_add index_add_ index_copy index_copy_ index_fill index_fill_ index_select narrow nonzero
index.positions: put put_ repeat_interleave select take
index.reducing: index_reduce index_reduce_ scatter_reduce scatter_reduce_
linalg.cholesky: cholesky cholesky_inverse cholesky_solve
linalg.determinant: det logdet slogdet
linalg.einsum: inner kron
linalg.functions: matrix_exp matrix_power
linalg.least_squares: pinverse
linalg.linear: addbmm addbmm_ addmm addmm_ addmv addmv_ addr addr_ baddbmm baddbmm_
linalg.reflectors: geqrf orgqr ormqr
linalg.solve: inverse triangular_solve
linalg.spectrum: svd
linalg.statistics: corrcoef cov
linalg.triangles: lu lu_solve qr
linalg.vectors: cross renorm renorm_ vdot
random.draws: bernoulli multinomial
random.in_place: bernoulli_ cauchy_ exponential_ geometric_ log_normal_ normal_ random_ uniform_
reduce.counting: all any argmax argmin count_nonzero
reduce.cumulative: cummax cummin cumprod cumprod_ cumsum cumsum_ logcumsumexp
reduce.differences: diff
reduce.extremes: amax amin aminmax max min
reduce.histograms: bincount histc histogram unique_consecutive
reduce.norms: dist logsumexp norm
reduce.order: kthvalue median mode nanmedian
reduce.quantiles: nanquantile quantile
reduce.sorting: argsort sort topk unique
reduce.statistics: std var
shape.copies: flip fliplr flipud repeat roll rot90 tile
shape.diagonals: diag diag_embed diagflat diagonal fill_diagonal_ trace tril tril_ triu triu_
shape.turning: as_strided_ squeeze_ swapaxes_ swapdims_ t_ transpose_ unsqueeze_
shape.view_copies: narrow_copy
shape.windows: as_strided as_strided_scatter diagonal_scatter select_scatter slice_scatter unfold
special.bessel: i0 i0_
special.gamma: digamma digamma_ igamma igamma_ igammac igammac_ lgamma lgamma_ mvlgamma polygamma
special.logarithms: logit logit_ xlogy xlogy_
special.normal: erf erf_ erfc erfc_ erfinv erfinv_
"""

FUNCTIONAL = """
activation.dropout: alpha_dropout dropout dropout1d dropout2d dropout3d feature_alpha_dropout
activation.gelu: gelu
activation.piecewise: hardshrink hardsigmoid hardswish hardtanh relu6 softshrink threshold
activation.rectifiers: celu elu leaky_relu prelu relu rrelu selu
activation.smooth: glu logsigmoid mish silu softplus softsign tanhshrink
activation.softmax: gumbel_softmax log_softmax softmax softmin
attention: scaled_dot_product_attention
batch_norm: batch_norm
conv.fold: fold unfold
conv.functions: conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
elementwise.exponential: sigmoid
elementwise.hyperbolic: tanh
group_norm: group_norm
index.embedding: embedding one_hot
index.embedding_bag: embedding_bag
linalg.linear: linear
linalg.vectors: pdist
loss.binary: binary_cross_entropy binary_cross_entropy_with_logits
loss.classification: cross_entropy
loss.ctc: ctc_loss
loss.distances: cosine_similarity hinge_embedding_loss kl_div margin_ranking_loss normalize
loss.nll: nll_loss
loss.regression: huber_loss l1_loss mse_loss smooth_l1_loss
multi_head_attention: multi_head_attention_forward
norm: layer_norm
pad: pad
pixel: channel_shuffle native_channel_shuffle pixel_shuffle pixel_unshuffle
pool.adaptive: adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
pool.adaptive: adaptive_max_pool3d max_unpool1d max_unpool2d max_unpool3d
pool.fractional: fractional_max_pool2d fractional_max_pool3d
pool.functions: avg_pool1d avg_pool2d avg_pool3d lp_pool1d lp_pool2d lp_pool3d max_pool1d max_pool1d_with_indices
pool.functions: max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices
resample.grid: affine_grid grid_sample
resample.interpolate: interpolate upsample upsample_bilinear upsample_nearest
"""
