/** Small bundles of every family, opened on the CPU kernels or on their plain reference. Tests say how files are read. */
import { type SimdBackend } from '../../../web/src/engine/backend-simd.ts';
import { type Manifest, type Variant } from '../../../web/src/engine/manifest.ts';
import type { Machine } from '../../../web/src/engine/simd/ops.ts';
export declare const VARIANT = "cpu-int8";
/** A router and experts: ONNX Runtime's. */
export declare const WITHOUT: string[];
export interface Golden {
    cases: {
        prompt_tokens: number[];
        variant_tokens: Record<string, number[]>;
    }[];
}
export interface TinyBundle {
    manifest: Manifest;
    variant: Variant;
    golden: Golden;
    files: {
        blob(path: string): Blob;
    };
}
/** @param read the bytes of a file of the bundle */
export declare function readBundle(read: (path: string) => Promise<Uint8Array<ArrayBuffer>>): Promise<TinyBundle>;
export declare function openOn({ manifest, variant, files }: Pick<TinyBundle, 'manifest' | 'variant' | 'files'>, openMachine: (needs: {
    memoryBytes: number;
    mostBytes: number;
    maxTokens: number;
}) => Promise<Machine>): Promise<SimdBackend>;
/** The manifest with a longer context, for models whose positions are not in tables. */
export declare function withContext(bundle: TinyBundle, tokens: number): TinyBundle;
export declare function programOf({ program }: Variant): NonNullable<Variant['program']>;
