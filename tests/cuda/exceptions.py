"""The functions and rules of the op table that take several kernels on a GPU, and the functions that wait for it.

Both with the reason. `test_table` lets nothing else pass, and nothing stay here that has become one kernel.
"""

SEVERAL = {
    "Zeros are filled, or a copy is made, and then written to: two kernels, in PyTorch as well.": """
        constant_pad_dx constant_pad_forward embedding_backward_forward gather_dx index_dx index_put_dy index_select_dx
        masked_select_dx new_axis_dx pack_padded_sequence_dx pad_packed_sequence_forward rows_in_order_dx
        scatter_add_forward scatter_along_forward scatter_forward select_dx slice_dx sort_dx take_along_dim_dx take_dx
        trace_dx unfold_dx unindex_forward unslice_forward view_scatter_forward
    """,
    "Positions: for advanced indices CuPy makes arrays first, and what is written to is filled or copied.": """
        as_strided_dx diag_embed_forward diagonal_copy_dx diagonal_dx diagonal_scatter_forward embedding_bag_dfactors
        embedding_bag_dweight embedding_bag_forward embedding_dweight index_add_forward index_copy_dx index_copy_forward
        index_fill_dx index_fill_forward index_put_dx index_put_forward index_zeroed_dx index_zeroed_forward
        masked_scatter_dsource masked_scatter_forward max_unpool2d_dx max_unpool2d_forward max_unpool3d_dx
        max_unpool3d_forward put_at_dx put_at_forward scatter_add_dsrc scatter_dsrc scatter_dx scatter_reduce_dsrc
        scatter_reduce_dx scatter_reduce_forward strided_dx take_at_dx take_at_forward view_scatter_dbase
    """,
    "Products of matrices by cuBLAS, and what is computed round them.": """
        addmm_forward col2im_dx col2im_forward conv_taps_dx conv_taps_dy conv_taps_forward conv_transpose_dw
        conv_transpose_dx conv_transpose_forward convolution_dw convolution_dx convolution_forward einsum_dxs
        einsum_forward euclidean_dist_dx euclidean_dist_dy euclidean_dist_forward gru_cell_dxs gru_cell_forward gru_dxs
        gru_forward im2col_dx im2col_forward linear_forward lstm_cell_dxs lstm_cell_forward lstm_dxs lstm_forward
        rnn_cell_dxs rnn_cell_forward rnn_dxs rnn_forward rnn_relu_cell_dxs rnn_relu_cell_forward
        scaled_dot_product_attention_dxs scaled_dot_product_attention_forward vdot_forward
    """,
    "CuPy sorts, and elements are taken along.": """
        kthvalue_forward median_dim_forward median_forward mode_forward nanmedian_dim_forward nanmedian_forward
        sort_forward topk_forward
    """,
    "What runs along a dimension is joined by doubling.": """
        cummax_dx cummax_forward cummin_dx cummin_forward cumprod_dx logcumsumexp_dx logcumsumexp_forward prod_dim_dx
        prod_dx
    """,
    "Complex numbers, of which kernels are not made.": """
        angle_dx complex_forward fft_c2r_dx fft_r2c_dx imag_dx polar_dx polar_dy polar_forward real_dx sgn_dx
    """,
    "Functions that C++ lacks: CuPy's are kernels of their own.": """
        chebyshev_polynomial_t_forward chebyshev_polynomial_u_forward chebyshev_polynomial_v_forward
        chebyshev_polynomial_w_forward digamma_dx dirichlet_draw_dconcentration erfinv_dx frexp_dx frexp_forward
        hermite_polynomial_h_forward hermite_polynomial_he_forward i0_dx i0e_dx i1_dx i1e_dx igamma_dx igammac_dx
        laguerre_polynomial_l_forward legendre_polynomial_p_forward lgamma_dx lgamma_forward log_ndtr_dx mvlgamma_dx
        mvlgamma_forward polygamma_dx polygamma_forward shifted_chebyshev_polynomial_t_forward
        shifted_chebyshev_polynomial_u_forward shifted_chebyshev_polynomial_v_forward
        shifted_chebyshev_polynomial_w_forward zeta_dq
    """,
    "Decompositions of matrices.": """
        cholesky_dx cofactors_dx cofactors_forward cross_product_dx cross_product_dy cross_product_forward det_dx inv_dx
        inv_ex_dx linalg_eig_dx linalg_eigh_dx linalg_qr_dx linalg_svd_dx lu_factor_dx matrix_exp_dx pinv_dx
        pinv_forward slogdet_dx solve_da solve_triangular_da
    """,
    "Windows, bins and borders: a kernel for each element of a window, or for each dimension.": """
        adaptive_avg_pool2d_dx adaptive_avg_pool2d_forward adaptive_avg_pool3d_dx adaptive_avg_pool3d_forward
        adaptive_max_pool2d_dx adaptive_max_pool2d_forward adaptive_max_pool3d_dx adaptive_max_pool3d_forward
        along_axes_dx along_axes_forward circularpad2d_dx circularpad2d_forward circularpad3d_dx circularpad3d_forward
        fractional_max_pool2d_dx fractional_max_pool2d_forward fractional_max_pool3d_dx fractional_max_pool3d_forward
        max_pool_indices_forward reflectionpad2d_dx reflectionpad2d_forward reflectionpad3d_dx reflectionpad3d_forward
        replicationpad2d_dx replicationpad2d_forward replicationpad3d_dx replicationpad3d_forward upsample_bicubic2d_dx
        upsample_bicubic2d_forward upsample_bicubic2daa_dx upsample_bicubic2daa_forward upsample_bilinear2d_dx
        upsample_bilinear2d_forward upsample_bilinear2daa_dx upsample_bilinear2daa_forward upsample_linear1d_forward
        upsample_nearest2d_dx upsample_nearest2d_forward upsample_nearest3d_dx upsample_nearest3d_forward
        upsample_nearestexact2d_dx upsample_nearestexact2d_forward upsample_nearestexact3d_dx
        upsample_nearestexact3d_forward upsample_trilinear3d_dx upsample_trilinear3d_forward
    """,
    "A mean by weights: one for the elements, one for what they are together.": """
        cross_entropy_forward nll_loss2d_forward nll_loss_forward
    """,
    "Groups of channels, and figures known before.": """
        batch_norm_applied_dx batch_norm_applied_forward group_norm_dx group_norm_forward
    """,
}

WAITS = {
    "How long the result is, numbers decide: PyTorch waits as well.": """
        argwhere bincount masked_select index unindex repeat_interleave unique_consecutive
    """,
    "Lengths are looked at, as PyTorch does.": """
        segment_reduce
    """,
    "PyTorch has it on the CPU only.": """
        histogram
    """,
    "An error is told at once, by PyTorch as well.": """
        cholesky inv solve lu_factor
    """,
    "What is singular goes another way.": """
        cofactors det slogdet inv_ex
    """,
    "CuPy lacks it: computed on the host.": """
        airy_ai ctc_loss dirichlet_draw gamma_draw ldl_factor ldl_solve linalg_eig linalg_qr matrix_exp solve_triangular
    """,
    "CuPy has no product of what meets at one place: computed on the host.": """
        scatter_reduce
    """,
    "As many steps as the largest degree asks for.": """
        chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w hermite_polynomial_h
        hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p shifted_chebyshev_polynomial_t
        shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v shifted_chebyshev_polynomial_w
    """,
}
"""Beside these PyTorch and this package wait where a number is asked for: `item`, `tolist`, `equal`, `if x > 0`."""
