// Asks the data API what standard input says, with the real supabase-js, and prints the answers.
import { readFileSync } from 'node:fs'
import { createClient } from '@supabase/supabase-js'

const { url, key, questions } = JSON.parse(readFileSync(0, 'utf8'))
const client = createClient(url, key, {
  auth: { persistSession: false, autoRefreshToken: false },
  realtime: { transport: class {} }, // older versions of Node have no WebSocket
  // Supabase's gateway puts PostgREST under /rest/v1; here there is no gateway.
  global: { fetch: (address, init) => fetch(String(address).replace('/rest/v1', ''), init) },
})

function ask({
  rpc, args, options, schema = 'public', table, verb, values, columns = '*', match, returning,
}) {
  if (rpc) return client.schema(schema).rpc(rpc, args, options)
  const rows = client.schema(schema).from(table)
  if (verb === 'insert') return returning ? rows.insert(values).select(returning) : rows.insert(values)
  if (verb === 'update' && match) return rows.update(values).match(match).select(returning)
  if (verb === 'update') return rows.update(values).not('id', 'is', null)
  if (verb === 'delete') return rows.delete().not('id', 'is', null)
  return rows.select(columns, options)
}

const answers = []
for (const question of questions) {
  const { data, error, status, count } = await ask(question)
  answers.push({ data, status, count, code: error?.code ?? null, message: error?.message ?? null })
}
process.stdout.write(JSON.stringify(answers))
