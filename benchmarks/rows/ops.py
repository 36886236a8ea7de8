"""What one operation costs: forward and record, on tensors so small that Python's overhead is all there is."""

import operator
from collections import deque
from itertools import repeat

import numpy

from benchmarks.row import AtMost, Row, Side

CALLS = 1000


def op_row(name, operate, shape, goal):
    row = Row(name, (AtMost(goal),), repeats=CALLS)
    draw = numpy.random.default_rng(0)
    operands = [numpy.float32(draw.uniform(0.5, 1.5, shape)) for _ in range(2)]

    def call(a, b):
        deque(map(operate, repeat(a, CALLS), repeat(b)), maxlen=0)

    @row.of("nbautograd", "torch")
    def tensors(torch):
        a, b = (torch.tensor(x, requires_grad=True) for x in operands)
        return Side(lambda: call(a, b), lambda: [operate(a, b).detach().numpy()])

    @row.of("mygrad")
    def mygrad_tensors(mygrad):
        a, b = (mygrad.tensor(x) for x in operands)
        return Side(lambda: call(a, b), lambda: [operate(a, b).data])

    @row.of("HIPS autograd")
    def boxes(_):
        from autograd.core import VJPNode
        from autograd.tracer import getval, new_box, trace_stack

        def step():
            with trace_stack.new_trace() as trace:
                a, b = (new_box(x, trace, VJPNode.new_root()) for x in operands)
                call(a, b)
                return operate(a, b)

        return Side(step, lambda: [getval(step())])

    @row.of("NumPy")
    def arrays(_):
        a, b = operands
        return Side(lambda: call(a, b), lambda: [operate(a, b)])

    if not shape:

        @row.of("micrograd")
        def values(micrograd):
            a, b = (micrograd.Value(float(x)) for x in operands)
            return Side(lambda: call(a, b), lambda: [operate(a, b).data])

    return row


ROWS = [
    op_row("add 0-d, forward + record", operator.add, (), 0.7),
    op_row("mul 4×4, forward + record", operator.mul, (4, 4), 0.7),
    op_row("matmul 32×32, forward + record", operator.matmul, (32, 32), 0.8),
]
