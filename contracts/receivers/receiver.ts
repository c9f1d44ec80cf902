// A receiver of Tenon's webhooks: checks a call by Standard Webhooks 1.0, answers 204, or 401 to what is forged.
//
//   node receiver.ts 8080 whsec_…      with the secret of the subscription (Node 22.18 or newer)
//   node receiver.ts 8080 whpk_…       with its public key
//
// Copy `verify`, and do what `handle` should do before it answers. Tenon sends again what was not answered with
// 2xx, under the same `id`; of one `subject` the event with the higher `sequence` is the newer.
import { createHmac, createPublicKey, timingSafeEqual, verify as verifySignature } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";

const TOLERANCE_S = 300;
// What stands before the 32 bytes of a public key of Ed25519 in its DER form (RFC 8410).
const DER_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

type Event = { id: string; type: string; sequence: string; subject?: string; data: Record<string, unknown> };

/** Returns the event of a call; throws if it is forged. Several signatures are sent while a secret is replaced. */
export function verify(key: string, headers: IncomingHttpHeaders, body: Buffer): Event {
  const timestamp = String(headers["webhook-timestamp"] ?? "");
  if (!/^[0-9]+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) {
    throw new Error("the time is missing, or too far from ours");
  }
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${timestamp}.`), body]);
  const signatures = String(headers["webhook-signature"] ?? "").split(" ");
  if (!signatures.some((each) => fits(key, signed, each))) {
    throw new Error("no signature fits");
  }
  return JSON.parse(body.toString("utf8")) as Event;
}

function fits(key: string, signed: Buffer, signature: string): boolean {
  const [scheme, given = ""] = signature.split(",");
  const bytes = Buffer.from(given, "base64");
  if (key.startsWith("whsec_") && scheme === "v1") {
    const secret = Buffer.from(key.slice("whsec_".length), "base64");
    const made = createHmac("sha256", secret).update(signed).digest();
    return bytes.length === made.length && timingSafeEqual(bytes, made);
  }
  if (key.startsWith("whpk_") && scheme === "v1a") {
    const der = Buffer.concat([DER_PREFIX, Buffer.from(key.slice("whpk_".length), "base64")]);
    return verifySignature(null, signed, createPublicKey({ key: der, format: "der", type: "spki" }), bytes);
  }
  return false;
}

/** Keep the event, then return: Tenon waits for the answer. */
function handle(event: Event): void {
  console.log(event.type, event.id);
}

const [port, key] = process.argv.slice(2);
createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    try {
      handle(verify(key, request.headers, Buffer.concat(parts)));
      response.writeHead(204).end();
    } catch {
      response.writeHead(401).end();
    }
  });
}).listen(Number(port), "127.0.0.1");
