"""Derivatives of every order, from the two shapes that operators here have.

Design:
  a. A bilinear operator F(input, weight) has two gradients, I(grad, weight) and W(input, grad), which are bilinear too,
     and the gradients of these are again F, I and W, of other tensors::

         of I(g, w), given h:  g: F(h, w)    w: W(h, g)
         of W(x, g), given h:  x: I(g, h)    g: F(x, h)

     So three operators that know each other are differentiable for ever. With complex numbers F conjugates nothing,
     and I and W their second and first tensor: the same equations hold.
  b. A border of a constant other than 0 makes F affine. Its gradient I is linear: what stands in for `input` in the
     gradients of I is a change of it, beside which the border is 0 (`linear`).
  c. A linear operator A(x) has the gradient T(grad), of which the gradient is A.
  d. The gradient of an input lies in memory as the input does, whatever grad_output does.
  e. Operators are made from a schema and their functions here, so that no signature is written twice.
"""

import torch

from ._tensors import is_channels_last


def operator(name, schema, run, fake):
    """A custom operator of CPU tensors. `run` computes, `fake` says what shape and strides that has, or refuses."""
    made = torch.library.custom_op(f"cconv::{name}", run, mutates_args=(), device_types="cpu", schema=schema)
    made.register_fake(fake)
    return made


def bilinear(forward, input_gradient, weight_gradient, count, linear, rank_of):
    """Make three operators the derivatives of each other.

    They take ``(input, weight, bias or nothing, *options)``, ``(grad, weight, input_shape, channels_last, *options)``
    and ``(input, grad, weight_shape, *options)`` with `count` options, of which `rank_of` says the rank of a layer.
    """
    has_bias = len(forward._opoverload._schema.arguments) == count + 3

    def apply(input, weight, options):
        return forward(input, weight, *((None,) if has_bias else ()), *options)

    def forward_setup(ctx, inputs, output):
        input, weight = inputs[:2]
        ctx.options = inputs[-count:]
        ctx.shapes = input.shape, weight.shape
        ctx.last = is_channels_last(input, rank_of(ctx.options))
        needs_input, needs_weight = ctx.needs_input_grad[:2]
        ctx.save_for_backward(input if needs_weight else None, weight if needs_input else None)
        ctx.channel = output.ndim + 1 - weight.ndim

    def forward_backward(ctx, grad):
        input, weight = ctx.saved_tensors
        needs = ctx.needs_input_grad
        found = [
            input_gradient(grad, weight, ctx.shapes[0], ctx.last, *ctx.options) if needs[0] else None,
            weight_gradient(input, grad, ctx.shapes[1], *ctx.options) if needs[1] else None,
        ]
        if has_bias:
            axes = [axis for axis in range(grad.ndim) if axis != ctx.channel]
            found.append(grad.sum(axes) if needs[2] else None)
        return *found, *(None,) * count

    def setup(ctx, inputs, output):
        one, other = inputs[:2]
        ctx.options = inputs[-count:]
        ctx.shapes = one.shape, other.shape
        ctx.last = is_channels_last(one, rank_of(ctx.options))
        needs_one, needs_other = ctx.needs_input_grad[:2]
        ctx.save_for_backward(one if needs_other else None, other if needs_one else None)

    def input_gradient_backward(ctx, change):
        grad, weight = ctx.saved_tensors
        options = linear(ctx.options)
        return (
            apply(change, weight, options) if ctx.needs_input_grad[0] else None,
            weight_gradient(change, grad, ctx.shapes[1], *options) if ctx.needs_input_grad[1] else None,
            *(None,) * (count + 2),
        )

    def weight_gradient_backward(ctx, change):
        input, grad = ctx.saved_tensors
        return (
            input_gradient(grad, change, ctx.shapes[0], ctx.last, *ctx.options) if ctx.needs_input_grad[0] else None,
            apply(input, change, ctx.options) if ctx.needs_input_grad[1] else None,
            *(None,) * (count + 1),
        )

    forward.register_autograd(forward_backward, setup_context=forward_setup)
    input_gradient.register_autograd(input_gradient_backward, setup_context=setup)
    weight_gradient.register_autograd(weight_gradient_backward, setup_context=setup)


def linear_pair(forward, transpose):
    """Make ``forward(input, *options)`` and ``transpose(grad, input_shape, channels_last, *options)`` the derivatives
    of each other. The first option has an entry per spatial axis."""

    def forward_setup(ctx, inputs, output):
        input, *ctx.options = inputs
        ctx.shape = input.shape
        ctx.last = is_channels_last(input, len(ctx.options[0]))

    def forward_backward(ctx, grad):
        return transpose(grad, ctx.shape, ctx.last, *ctx.options), *(None,) * len(ctx.options)

    def transpose_setup(ctx, inputs, output):
        _, _, _, *ctx.options = inputs

    def transpose_backward(ctx, change):
        return forward(change, *ctx.options), *(None,) * (len(ctx.options) + 2)

    forward.register_autograd(forward_backward, setup_context=forward_setup)
    transpose.register_autograd(transpose_backward, setup_context=transpose_setup)
