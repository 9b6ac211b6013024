import { type Machine } from '../../../web/src/engine/simd/ops.ts';
export interface ReferenceOptions {
    memoryBytes: number;
    maxTokens: number;
    /** False: matrices take their input as it is, and caches keep float32, as PyTorch would. */
    rounds?: boolean;
}
export declare function referenceMachine({ memoryBytes, maxTokens, rounds }: ReferenceOptions): Machine;
