/** Sessions, stages, completion and agents that work together, against a real daemon. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { governedTools, Session, ToolDeniedError } from "@faramesh/sdk";

import { type Stack, startStack } from "./stack.js";

const POLICY = `\
runtime { allow_self_declared_identity = true }

agent "lead" {
  default deny
  rules {
    permit look if purpose("visit")
    permit write
  }
  phase "reading" { permit look }
  phase "writing" { permit look permit write }
  completion_gate { require called "write" }
  spawn { allow = ["worker"] max_concurrent = 1 }
  delegate worker { scope = ["look"] ttl = 10m }
}

agent "worker" {
  default deny
  rules { permit look permit write }
}
`;

function tools(stack: Stack, agentId: string, options: { sessionId?: string; delegation?: string } = {}) {
  const own = { look: (_: object) => "seen", write: (_: object) => "written" };
  return governedTools(own, { agentId, socket: stack.socket, ...options });
}

async function code(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "PERMIT",
    (problem: unknown) => {
      assert.ok(problem instanceof ToolDeniedError, String(problem));
      return problem.code;
    },
  );
}

test("a session goes its way", async (t) => {
  const stack = await startStack(t, POLICY);
  const session = new Session({ sessionId: "s-1", agentId: "lead", socket: stack.socket });
  t.after(() => session.close());
  const mine = tools(stack, "lead", { sessionId: "s-1" });
  assert.equal(await code(mine.look({})), "POLICY_DENY");
  await session.declarePurpose("visit");
  assert.equal(await code(mine.look({})), "PERMIT");
  assert.equal(await code(mine.write({})), "PHASE_DENIED");
  const blocked: unknown = await session.complete().catch((problem: unknown) => problem);
  assert.ok(blocked instanceof ToolDeniedError && blocked.resolution.type === "unmet");
  assert.deepEqual(blocked.resolution.requirements, ['called "write"']);
  await session.enterPhase("writing");
  assert.equal(await code(mine.write({})), "PERMIT");
  await session.complete({ letter: 1 });
  await assert.rejects(session.enterPhase("reading"), /forwards/);
});

test("authority is handed on and taken back, and a started agent makes room when it ends", async (t) => {
  const stack = await startStack(t, POLICY);
  const session = new Session({ agentId: "lead", socket: stack.socket });
  t.after(() => session.close());
  const handed = await session.delegate("worker", { scope: ["look"], ttlSeconds: 60 });
  assert.ok(handed.token.startsWith("dlg-") && handed.expiresAt.endsWith("Z"));
  const worker = tools(stack, "worker", { delegation: handed.token });
  assert.equal(await code(worker.look({})), "PERMIT");
  assert.equal(await code(worker.write({})), "DELEGATION_DENIED");
  await session.revoke(handed);
  assert.equal(await code(worker.look({})), "DELEGATION_DENIED");

  const first = await session.spawn("worker");
  assert.equal(await code(session.spawn("worker")), "SPAWN_DENIED");
  first.ended();
  for (let tries = 0; (await code(session.spawn("worker"))) !== "PERMIT"; tries += 1) {
    assert.ok(tries < 100, "the end of the first was never seen");
    await sleep(50);
  }
});
