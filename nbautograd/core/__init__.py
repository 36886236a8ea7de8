"""The engine: arrays and devices, the op table, the op call, the tensor, the backward walk.

Read in this order: `array` (where numbers live), `op` (how a function and its gradient rules become a call),
`node` (the graph), `walk` (backward), `tensor` (what the user holds), `inplace` (views and changes in place).
"""
