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
            return g * 2 + len(calls) * 1e-9

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


def test_the_arguments_are_pytorchs():
    import inspect

    torch = pytest.importorskip("torch")
    for ours, theirs in ((gradcheck, torch.autograd.gradcheck), (gradgradcheck, torch.autograd.gradgradcheck)):
        names = [list(inspect.signature(f).parameters) for f in (ours, theirs)]
        assert names[0] == names[1]
