import { levelOf } from './waveform';

/** How often the level is looked at, in milliseconds. */
const LOOK_MS = 50;
/** The formats for recording; the first one that the browser knows: Safari knows MP4 only. */
const KINDS = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4'];
/** Enough for a voice, and 3.6 MB in fifteen minutes. */
const BITS = 32_000;

/** A recording of the microphone, while it is made and once it is there. */
export class Recording {
  /** How long it is, in milliseconds. */
  length = $state(0);
  /** How loud it is now, from 0 to 1. */
  level = $state(0);
  /** The recording, once it is over. */
  bytes = $state.raw<Blob | null>(null);
  readonly levels: number[] = [];
  readonly #most: number;
  #recorder: MediaRecorder | null = null;
  #stream: MediaStream | null = null;
  #context: AudioContext | null = null;
  #looking: ReturnType<typeof setInterval> | undefined;
  #unwanted = false;

  /** One that ends by itself after so many milliseconds. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Asks for the microphone and begins. Throws if there is none, or it is not allowed. */
  async begin(): Promise<void> {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, channelCount: 1 },
    });
    this.#stream = stream;
    // Whoever was asked for the microphone has gone meanwhile: it must not stay on.
    if (this.#unwanted) return this.#release();
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    const recorder = new MediaRecorder(stream, { audioBitsPerSecond: BITS, ...(mimeType && { mimeType }) });
    const pieces: Blob[] = [];
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    recorder.onstop = () => {
      this.#release();
      this.bytes = new Blob(pieces, { type: recorder.mimeType });
    };
    this.#recorder = recorder;
    this.#watch(stream);
    recorder.start();
  }

  /** It is long enough. */
  stop(): void {
    if (this.#recorder?.state === 'recording') this.#recorder.stop();
  }

  /** It is not wanted. */
  discard(): void {
    this.#unwanted = true;
    if (this.#recorder) this.#recorder.onstop = null;
    this.stop();
    this.#release();
  }

  /** How the file is called: by what it is recorded into. */
  get name(): string {
    const type = this.bytes?.type ?? '';
    const ending = type.includes('mp4') ? 'm4a' : type.includes('ogg') ? 'ogg' : 'webm';
    return `voice.${ending}`;
  }

  #watch(stream: MediaStream): void {
    const context = (this.#context = new AudioContext());
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Uint8Array(analyser.fftSize);
    const begun = performance.now();
    this.#looking = setInterval(() => {
      analyser.getByteTimeDomainData(samples);
      this.level = levelOf(samples);
      this.levels.push(this.level);
      this.length = Math.min(this.#most, performance.now() - begun);
      if (this.length >= this.#most) this.stop();
    }, LOOK_MS);
  }

  #release(): void {
    clearInterval(this.#looking);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    void this.#context?.close().catch(() => {});
    this.#context = this.#stream = null;
    this.level = 0;
  }
}
