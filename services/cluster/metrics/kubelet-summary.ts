import { request } from "node:https";
import type { KubeletEndpoint } from "./collector.ts";

const maxAnswerBytes = 16 * 1024 * 1024;

/** Asks kubelets for /stats/summary as the API server. */
export function askKubelets({ authority, token }: { authority: string; token: string }) {
  return ({ host, port }: KubeletEndpoint, signal: AbortSignal): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      const call = request({ host, port, path: "/stats/summary", ca: authority, headers, agent: false, signal }, (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxAnswerBytes) call.destroy(new Error(`the answer is longer than ${maxAnswerBytes} bytes`));
          else chunks.push(chunk);
        });
        answer.on("error", reject);
        answer.on("end", () => {
          if (answer.statusCode !== 200) return reject(new Error(`the kubelet answered ${answer.statusCode}`));
          try {
            resolve(JSON.parse(Buffer.concat(chunks).toString()));
          } catch (error) {
            reject(error);
          }
        });
      });
      call.on("error", reject);
      call.end();
    });
}
