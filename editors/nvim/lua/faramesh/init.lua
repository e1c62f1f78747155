-- Policies in Neovim 0.8 and later: the language server, and the parser for colours.
local M = {}

local here = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p:h:h:h')

--- Starts the language server for every policy that is opened.
---@param options? { cmd?: string[], format_on_save?: boolean, on_attach?: fun(client: table, buffer: integer) }
function M.setup(options)
  options = options or {}
  local group = vim.api.nvim_create_augroup('faramesh', { clear = true })
  vim.api.nvim_create_autocmd('FileType', {
    group = group,
    pattern = 'fpl',
    callback = function(event)
      local file = vim.api.nvim_buf_get_name(event.buf)
      vim.lsp.start({
        name = 'faramesh',
        cmd = options.cmd or { 'faramesh', 'lsp' },
        root_dir = vim.fn.fnamemodify(file, ':p:h'),
        on_attach = options.on_attach,
      })
    end,
  })
  if options.format_on_save then
    vim.api.nvim_create_autocmd('BufWritePre', {
      group = group,
      pattern = '*.fms',
      callback = function(event)
        vim.lsp.buf.format({ bufnr = event.buf, name = 'faramesh' })
      end,
    })
  end
end

--- Builds the parser with a C compiler, where Neovim looks for parsers. Gives the path of what it made.
---@param grammar? string the folder `editors/tree-sitter-fpl`; the one beside this plugin when it is left out
---@return string
function M.build(grammar)
  grammar = grammar or (here .. '/../tree-sitter-fpl')
  local folder = vim.fn.stdpath('data') .. '/site/parser'
  vim.fn.mkdir(folder, 'p')
  local library = folder .. '/fpl.so'
  local source = grammar .. '/src'
  local compiler = vim.env.CC or 'cc'
  local said = vim.fn.system({
    compiler, '-O2', '-std=c11', '-shared', '-fPIC', '-I', source, '-o', library, source .. '/parser.c',
  })
  if vim.v.shell_error ~= 0 then
    error('cannot build the parser of FPL with `' .. compiler .. '`: ' .. said)
  end
  -- Known at once, also when the folder was not there as Neovim started.
  if vim.treesitter and vim.treesitter.language and vim.treesitter.language.add then
    vim.treesitter.language.add('fpl', { path = library })
  end
  return library
end

return M
