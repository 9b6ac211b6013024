export interface AnswerRequest {
    url: string;
    threads: number;
    prompt: number[];
}
export interface Answer {
    threads: number;
    build: string;
    /** Logits after the prompt, then after each of ten tokens. */
    rows: Float32Array[];
}
