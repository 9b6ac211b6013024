/** Numbers of other widths, and functions of one number, in float64: for the reference that kernels are compared with. */
export declare const ACTIVATIONS: {
    silu: (x: number) => number;
    gelu: (x: number) => number;
    geluTanh: (x: number) => number;
    relu: (x: number) => number;
};
/** Its Taylor series near 0, else its continued fraction (Abramowitz and Stegun 7.1.5, 7.1.14): to some 1e-12. */
export declare function erf(x: number): number;
export declare function at(values: ArrayLike<number>, index: number): number;
export declare function sum(values: Float32Array | Float64Array): number;
export declare function dot(a: Float64Array, b: Float64Array): number;
/** To the nearest integer, ties to the even one, as IEEE 754 rounds. */
export declare function roundEven(x: number): number;
/** The nearest, ties to even. */
export declare function toBfloat16(x: number): number;
export declare function fromBfloat16(bits: number): number;
export declare function fromFloat16(bits: number): number;
