"""gradcheck passes what is right, and says which Jacobian is wrong."""

import pytest

import nbautograd
from nbautograd.autograd import Function, GradcheckError, gradcheck, gradgradcheck


def double(*values):
    return nbautograd.tensor(values if len(values) > 1 else values[0], dtype=nbautograd.float64, requires_grad=True)


class WrongCube(Function):
    """The slope of x³ taken for 2x²."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x**2


class WrongBend(Function):
    """The right slope of x³, but cut off from x."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x.detach()


RIGHT = {
    "scalar": (lambda x: x.sin(), [double(0.3)]),
    "vector": (lambda x: x.exp() * x.sum(), [double(1.0, 2.0)]),
    "two": (lambda x, y: (x * y, x / y), [double(1.0, 2.0), double(3.0, 4.0)]),
    "with a number": (lambda x, n: x**n, [double(1.0, 2.0), 3]),
    "unused": (lambda x, y: x * 2, [double(1.0, 2.0), double(3.0)]),
    "empty": (lambda x: x * 2, [nbautograd.zeros(0, dtype=nbautograd.float64, requires_grad=True)]),
}


@pytest.mark.parametrize(("function", "inputs"), RIGHT.values(), ids=RIGHT)
def test_what_is_right_passes(function, inputs):
    before = [x.tolist() if hasattr(x, "tolist") else x for x in inputs]
    assert gradcheck(function, tuple(inputs))
    assert [x.tolist() if hasattr(x, "tolist") else x for x in inputs] == before


@pytest.mark.parametrize(("function", "inputs"), RIGHT.values(), ids=RIGHT)
def test_second_derivatives_that_are_right_pass(function, inputs):
    assert gradgradcheck(function, tuple(inputs))


def test_a_single_tensor_needs_no_tuple():
    assert gradcheck(lambda x: x**2, double(1.0, 2.0))


def test_a_wrong_slope_is_shown():
    with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0") as caught:
        gradcheck(WrongCube.apply, (double(1.0, 2.0),))
    text = str(caught.value)
    assert "numerical:tensor([[ 3.0000,  0.0000]" in text
    assert "analytical:tensor([[2., 0.]" in text
    assert "hint:" in text
    assert gradcheck(WrongCube.apply, (double(1.0, 2.0),), raise_exception=False) is False


def test_a_wrong_bend_is_found_by_the_second_check_only():
    assert gradcheck(WrongBend.apply, (double(1.0, 2.0),))
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradgradcheck(WrongBend.apply, (double(1.0, 2.0),))


def test_a_function_cut_off_from_its_input_fails():
    with pytest.raises(GradcheckError, match="Numerical gradient for function expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, (double(1.0, 2.0),))


def test_no_input_to_check_is_an_error():
    with pytest.raises(ValueError, match="gradcheck expects at least one input tensor to require gradient"):
        gradcheck(lambda x: x, (nbautograd.ones(2),))


def test_single_precision_is_warned_about():
    x = nbautograd.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="Input #0 requires gradient and is not a double precision"):
        gradcheck(lambda x: x * 2, (x,), eps=1e-2)


def test_a_backward_that_changes_its_mind_fails():
    calls = []

    class Restless(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            calls.append(1)
            return g * (2 + len(calls) * 1e-9)

    with pytest.raises(GradcheckError, match="Backward is not reentrant"):
        gradcheck(Restless.apply, (double(1.0),))
    assert gradcheck(Restless.apply, (double(1.0),), nondet_tol=1e-6)


def test_a_backward_that_cannot_do_without_a_gradient_is_heard():
    class Fussy(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            if g is None or h is None:
                raise RuntimeError("nothing came")
            return 2 * g + 3 * h

    with pytest.raises(RuntimeError, match="nothing came"):
        gradcheck(Fussy.apply, (double(1.0),))


class CubeWithBoth(Function):
    """x³ with a derivative in both modes; `bend` spoils the one of forward mode."""

    bend = 3

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x**2

    @staticmethod
    def jvp(ctx, t):
        (x,) = ctx.saved_tensors
        return CubeWithBoth.bend * t * x**2


@pytest.mark.parametrize("fast_mode", [False, True])
@pytest.mark.parametrize(("function", "inputs"), RIGHT.values(), ids=RIGHT)
def test_forward_mode_and_random_combinations_are_checked_too(function, inputs, fast_mode):
    assert gradcheck(function, tuple(inputs), check_forward_ad=True, fast_mode=fast_mode)
    assert gradgradcheck(function, tuple(inputs), check_fwd_over_rev=True, fast_mode=fast_mode)


def test_complex_numbers_are_checked_in_both_modes():
    z = nbautograd.tensor([1 + 2j, -0.5 + 0.3j], dtype=nbautograd.complex128, requires_grad=True)
    for function in (lambda z: z * z, lambda z: z.exp() * z.conj(), lambda z: z.abs(), lambda z: (z.real, z * 2)):
        assert gradcheck(function, (z,), check_forward_ad=True)


def test_a_wrong_tangent_is_shown(monkeypatch):
    monkeypatch.setattr(CubeWithBoth, "bend", 2)
    with pytest.raises(GradcheckError, match="Jacobian computed with forward mode mismatch for output 0 with respect"):
        gradcheck(CubeWithBoth.apply, (double(1.0, 2.0),), check_forward_ad=True)
    with pytest.raises(GradcheckError, match="computed with forward mode"):
        gradcheck(CubeWithBoth.apply, (double(1.0, 2.0),), check_forward_ad=True, check_backward_ad=False)
    assert gradcheck(CubeWithBoth.apply, (double(1.0, 2.0),))


def test_fast_mode_shows_the_whole_jacobians_too():
    with pytest.raises(GradcheckError, match="mismatch for output 0") as caught:
        gradcheck(WrongCube.apply, (double(1.0, 2.0),), fast_mode=True)
    assert "in slow mode:\n\nNumerical:\n tensor([[ 3.0000,  0.0000]" in str(caught.value)


def test_a_backward_that_adds_something_is_not_linear():
    class Offset(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2 + 1e-6

    with pytest.raises(GradcheckError, match="backward not multiplied by grad_output"):
        gradcheck(Offset.apply, (double(1.0),))
    with pytest.raises(GradcheckError, match="backward not multiplied by grad_output"):
        gradcheck(Offset.apply, (double(1.0),), masked=True)


def test_a_missing_gradient_of_one_output_is_tried():
    class Pair(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            if g is None:
                return h * 3
            return 2 * g + (0 if h is None else 3 * h)

    assert gradcheck(Pair.apply, (double(1.0),))


@pytest.mark.parametrize(
    ("check", "options", "message"),
    [
        (gradcheck, {"check_backward_ad": False}, "at least one of check_forward_ad or check_backward_ad"),
        (
            gradcheck,
            {"check_batched_grad": True, "check_backward_ad": False, "check_forward_ad": True},
            "check_batched_grad=True requires check_backward_ad",
        ),
        (gradcheck, {"check_batched_forward_grad": True}, "requires check_forward_ad to be True"),
        (gradgradcheck, {"check_rev_over_rev": False}, "at least one of check_fwd_over_rev or check_rev_over_rev"),
        (
            gradgradcheck,
            {"check_rev_over_rev": False, "check_fwd_over_rev": True},
            "check_undefined_grad=True requires check_rev_over_rev",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(check, options, message):
    with pytest.raises(AssertionError, match=message):
        check(lambda x: x * 2, (double(1.0),), **options)


def test_an_input_whose_elements_lie_on_top_of_each_other_is_refused():
    x = double(1.0).expand(3)
    with pytest.raises(RuntimeError, match="The 0th input has a dimension with stride 0"):
        gradcheck(lambda x: x * 2, (x,))


def test_starting_gradients_may_lie_apart():
    assert gradgradcheck(lambda x: x**3, (double(1.0, 2.0),), gen_non_contig_grad_outputs=True)


def test_the_arguments_are_pytorchs():
    import inspect

    torch = pytest.importorskip("torch")
    for ours, theirs in ((gradcheck, torch.autograd.gradcheck), (gradgradcheck, torch.autograd.gradgradcheck)):
        names = [list(inspect.signature(f).parameters) for f in (ours, theirs)]
        assert names[0] == names[1]
