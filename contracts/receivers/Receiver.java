// A receiver of Tenon's webhooks: checks a call by Standard Webhooks 1.0, answers 204, or 401 to what is forged.
//
//   java Receiver.java 8080 whsec_…      with the secret of the subscription (Java 17 or newer)
//   java Receiver.java 8080 whpk_…       with its public key
//
// Copy `verify`, and do what `handle` should do before it answers. Tenon sends again what was not answered with
// 2xx, under the same `id`; of one `subject` the event with the higher `sequence` is the newer.

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Receiver {
  private static final long TOLERANCE_S = 300;
  // What stands before the 32 bytes of a public key of Ed25519 in its DER form (RFC 8410).
  private static final byte[] DER_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");

  /** Returns whether a call comes from Tenon. Several signatures are sent while a secret is replaced. */
  static boolean verify(String key, Headers headers, byte[] body) throws GeneralSecurityException {
    String timestamp = String.valueOf(headers.getFirst("webhook-timestamp"));
    if (!timestamp.matches("[0-9]{1,12}")
        || Math.abs(System.currentTimeMillis() / 1000 - Long.parseLong(timestamp)) > TOLERANCE_S) {
      return false;
    }
    byte[] head = (headers.getFirst("webhook-id") + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8);
    byte[] signed = joined(head, body);
    for (String signature : String.valueOf(headers.getFirst("webhook-signature")).split(" ")) {
      if (fits(key, signed, signature)) {
        return true;
      }
    }
    return false;
  }

  private static boolean fits(String key, byte[] signed, String signature) throws GeneralSecurityException {
    String[] parts = signature.split(",", 2);
    if (parts.length < 2) {
      return false;
    }
    byte[] given;
    try {
      given = Base64.getDecoder().decode(parts[1]);
    } catch (IllegalArgumentException error) {
      return false;
    }
    if (key.startsWith("whsec_") && parts[0].equals("v1")) {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(Base64.getDecoder().decode(key.substring("whsec_".length())), "HmacSHA256"));
      return MessageDigest.isEqual(given, mac.doFinal(signed));
    }
    if (key.startsWith("whpk_") && parts[0].equals("v1a") && given.length == 64) {
      byte[] der = joined(DER_PREFIX, Base64.getDecoder().decode(key.substring("whpk_".length())));
      Signature verifier = Signature.getInstance("Ed25519");
      verifier.initVerify(KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(der)));
      verifier.update(signed);
      return verifier.verify(given);
    }
    return false;
  }

  private static byte[] joined(byte[] one, byte[] other) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(one);
    bytes.writeBytes(other);
    return bytes.toByteArray();
  }

  /** Keep the event (JSON), then return: Tenon waits for the answer. */
  static void handle(byte[] event) {
    System.out.println(new String(event, StandardCharsets.UTF_8));
  }

  static void answer(String key, HttpExchange call) throws IOException {
    byte[] body = call.getRequestBody().readAllBytes();
    int status = 401;
    try {
      if (verify(key, call.getRequestHeaders(), body)) {
        handle(body);
        status = 204;
      }
    } catch (GeneralSecurityException error) {
      System.err.println(error);
    }
    call.sendResponseHeaders(status, -1);
    call.close();
  }

  public static void main(String[] arguments) throws IOException {
    int port = Integer.parseInt(arguments[0]);
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/", call -> answer(arguments[1], call));
    server.start();
  }
}
