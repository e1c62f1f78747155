-- Opens a policy as a person would, and prints what Neovim made of it as one line of JSON.
--   nvim --headless -u NONE --cmd 'set rtp^=editors/nvim' -l neovim.lua BINARY FILE native|plugin
local binary, file, way = unpack(_G.arg)
local cmd = { binary, 'lsp' }
local result = { version = tostring(vim.version()) }

vim.cmd('filetype plugin indent on')
if way == 'native' then
  vim.lsp.config('faramesh', { cmd = cmd })
  vim.lsp.enable('faramesh')
else
  require('faramesh').setup({ cmd = cmd })
end
result.parser = pcall(require('faramesh').build)

vim.cmd.edit(file)
result.filetype = vim.bo.filetype
result.commentstring = vim.bo.commentstring

local function clients()
  return (vim.lsp.get_clients or vim.lsp.get_active_clients)({ bufnr = 0 })
end

local function wait(what, condition)
  if not vim.wait(20000, condition, 20) then
    io.stderr:write('waited in vain for ' .. what .. '\n')
    os.exit(3)
  end
end

wait('the server', function()
  return #clients() > 0 and clients()[1].initialized ~= false
end)
result.encoding = clients()[1].offset_encoding

-- The mistake, as Neovim shows it: its text is taken by Neovim's own columns.
wait('diagnostics', function()
  return #vim.diagnostic.get(0) > 0
end)
local found = vim.diagnostic.get(0)[1]
local line = vim.api.nvim_buf_get_lines(0, found.lnum, found.lnum + 1, true)[1]
result.code, result.marked = found.code, line:sub(found.col + 1, found.end_col)

-- Mended by the action.
vim.api.nvim_win_set_cursor(0, { found.lnum + 1, found.col })
vim.lsp.buf.code_action({ apply = true, context = { only = { 'quickfix' }, diagnostics = {} } })
wait('the fix', function()
  return #vim.diagnostic.get(0) == 0
end)
result.mended = vim.api.nvim_buf_get_lines(0, found.lnum, found.lnum + 1, true)[1]

-- Hover, where Neovim says that the cursor is.
local params = vim.lsp.util.make_position_params(0, clients()[1].offset_encoding)
local answers = vim.lsp.buf_request_sync(0, 'textDocument/hover', params, 20000)
for _, answer in pairs(answers or {}) do
  result.hover = answer.result and answer.result.contents.value
end

vim.lsp.buf.format({ timeout_ms = 20000 })
result.formatted = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\n') .. '\n'

-- Colours, by Neovim's tree-sitter and the queries of the plugin.
if result.parser and vim.treesitter.get_captures_at_pos then
  result.captures = {}
  local parser = vim.treesitter.get_parser(0, 'fpl')
  parser:parse()
  for row, text in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, true)) do
    for start, word in text:gmatch('()([%w_!]+)') do
      local captures = vim.treesitter.get_captures_at_pos(0, row - 1, start - 1)
      local last = captures[#captures]
      result.captures[word] = result.captures[word] or (last and last.capture)
    end
  end
end

io.stdout:write(vim.json.encode(result) .. '\n')
vim.cmd('qall!')
