import { computed, effect, signal } from "@preact/signals";
import { fetchModels } from "../api/server";
import type { Model } from "../api/types";
import { keyVersion } from "./auth";
import { readyVersion } from "./connection";
import { readLocal, writeLocal } from "./local";

export const models = signal<Model[]>([]);
export const modelsError = signal<string | null>(null);
/** The model for new conversations and for classifying: the one last chosen, if it is still there. */
const chosen = signal(readLocal("model", ""));
export const defaultModel = computed(() =>
  models.value.some((model) => model.id === chosen.value) ? chosen.value : (models.value[0]?.id ?? chosen.value));

export function chooseModel(id: string): void {
  chosen.value = id;
  writeLocal("model", id);
}

export function findModel(id: string): Model | undefined {
  return models.value.find((model) => model.id === id);
}

export async function loadModels(): Promise<void> {
  try {
    models.value = await fetchModels();
    modelsError.value = null;
  } catch (error) {
    modelsError.value = (error as Error).message;
  }
}

/** Reads the list when the server becomes ready and when a key was given. */
export function watchModels(): void {
  effect(() => {
    if (readyVersion.value + keyVersion.value > 0) void loadModels();
  });
}
