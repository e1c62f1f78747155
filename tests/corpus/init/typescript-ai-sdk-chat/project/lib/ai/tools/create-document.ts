import { tool, type UIMessageStreamWriter } from 'ai';
import { z } from 'zod';
import type { Session } from '@/lib/session';

interface CreateDocumentProps {
  session: Session;
  dataStream: UIMessageStreamWriter;
}

const kinds = ['text', 'code'] as const;

export const createDocument = ({ session, dataStream }: CreateDocumentProps) =>
  tool({
    description: 'Create a document for writing.',
    inputSchema: z.object({ title: z.string(), kind: z.enum(kinds) }),
    execute: async ({ title, kind }) => {
      dataStream.write({ type: 'data-title', data: title, transient: true });
      return { id: session.id, title, kind };
    },
  });
