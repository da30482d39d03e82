import type { Conversation } from "./types";

/** The conversations in IndexedDB: one record each, by id. Every function rejects where storage is forbidden. */

const databaseName = "linnet";
const storeName = "conversations";

function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
  });
}

let opened: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(databaseName, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(storeName, { keyPath: "id" });
    request.onsuccess = () => {
      // Another tab with a newer page may want to upgrade: don't stand in its way.
      request.result.onversionchange = () => {
        request.result.close();
        opened = undefined;
      };
      resolve(request.result);
    };
    request.onerror = () => reject(request.error ?? new Error("IndexedDB cannot be opened"));
  });
  opened.catch(() => (opened = undefined));
  return opened;
}

async function store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  return (await open()).transaction(storeName, mode).objectStore(storeName);
}

export async function readAll(): Promise<Conversation[]> {
  return promised(await store("readonly").then((all) => all.getAll() as IDBRequest<Conversation[]>));
}

export async function readOne(id: string): Promise<Conversation | undefined> {
  return promised(await store("readonly").then((all) => all.get(id) as IDBRequest<Conversation | undefined>));
}

export async function write(conversation: Conversation): Promise<void> {
  await promised((await store("readwrite")).put(conversation));
}

export async function remove(id: string): Promise<void> {
  await promised((await store("readwrite")).delete(id));
}
