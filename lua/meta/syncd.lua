---@meta
-- What scripts of syncd can name, for editors that read LuaLS annotations.

---@class match
---@field mailbox any globs: Mailbox, * crosses /
---@field account any globs: Account
---@field origin any globs: Who caused it: server client plugin:NAME initial replay
---@field from any globs: An author's address
---@field to any globs: An address in To
---@field cc any globs: An address in Cc
---@field recipients any globs: An address in To, Cc or Bcc
---@field subject any globs: All of the subject
---@field list any globs: List-Id; true: any
---@field header any map: Fields by name, as in { ["X-Mailer"] = "*bulk*" }
---@field keyword any globs: One of the keywords
---@field seen any boolean: Read
---@field flagged any boolean: Flagged
---@field answered any boolean: Answered
---@field draft any boolean: A draft
---@field to_me any boolean: One of the identities is a recipient
---@field from_me any boolean: One of the identities wrote it
---@field is_bulk any boolean: A list, a newsletter
---@field is_auto any boolean: Made by a machine
---@field spam any boolean: A filter on the way said so
---@field older any duration: Received longer ago
---@field newer any duration: Received since
---@field sent_before any moment: By its Date
---@field sent_since any moment: By its Date
---@field larger any size: More bytes
---@field smaller any size: Fewer bytes
---@field attachment any globs: File name or type of an attachment; true: any
---@field thread any globs: Message-ID of the first message of the thread
---@field message_id any globs: Message-ID
---@field id any integer: The number of the message
---@field text any globs: The plain text holds it (no * needed)
---@field where any function: search only: a function of the message
---@field server any boolean: search only: ask the server, too: `text` is then what it finds in bodies, without regard to case; of the rest it is asked what it can be, and all is tested here; not in on.incoming, on.offered, on.created and on.removing, not by POP3, and an error while there is no connection
---@field after any duration: on.offline only: offline for so long

--- A message, good until its event is over; keep msg.id to find it again.
---@class msg
---@field id integer Number of the message: stays the same when it moves and across restarts
---@field account string Name of the account
---@field mailbox string Where it is, or will be by the plan so far
---@field uid integer? UID on the server, nil while it has none
---@field size integer Bytes of the file
---@field date integer When the server received it, seconds since 1970
---@field origin string Who caused the event: server, client, plugin:NAME, initial, replay
---@field path string? The file, for people to read; it may have another name by now
---@field gone boolean There is no such message any more
---@field seen boolean Read
---@field flagged boolean Flagged
---@field answered boolean Answered
---@field draft boolean A draft
---@field deleted boolean Marked as deleted
---@field passed boolean Forwarded
---@field keywords words Its keywords, by the plan so far
---@field subject string Subject, decoded
---@field from addr The first author
---@field sender addr Sender, or an empty address
---@field reply_to addr Where an answer goes: Reply-To, else From
---@field to addrs To
---@field cc addrs Cc
---@field bcc addrs Bcc
---@field recipients addrs To, Cc and Bcc
---@field message_id string? Message-ID without its brackets
---@field in_reply_to string? In-Reply-To without its brackets
---@field references string[] References, oldest first
---@field thread_root string? Message-ID of the first message of the thread
---@field sent_date integer? Date, seconds since 1970
---@field list_id string? List-Id, what stands between the brackets
---@field list_post string? Address of the list, by List-Post
---@field unsubscribe string? First URL of List-Unsubscribe
---@field is_bulk boolean A list, a newsletter, Precedence: bulk
---@field is_auto boolean Made by a machine (RFC 3834)
---@field to_me boolean One of the identities is among the recipients
---@field from_me boolean One of the identities wrote it
---@field spam boolean A filter on the way called it spam
---@field text string The plain text, or the HTML as text; up to 1 MiB
---@field html string? The HTML, up to 1 MiB
---@field body_hash string SHA-256 of the body, white space at line ends aside
local msg = {}

--- Field `name`, the topmost, unfolded and decoded
---@param name string
---@return string?
function msg:header(name) end

--- All fields `name`, from the top
---@param name string
---@return string[]
function msg:header_all(name) end

--- Is there a field `name`?
---@param name string
---@return boolean
function msg:has_header(name) end

--- Iterate over the parts whose type matches, as in `for part in msg:parts("text/*")`
---@param type string?
---@return fun(): part
function msg:parts(type) end

--- Iterate over the parts whose file name or type matches
---@param name string?
---@return fun(): part
function msg:attachments(name) end

--- The whole message
---@return string
function msg:bytes() end

--- File it; the first move of an event wins; in another account, as accounts.work.archive or with its name, it is copied there, and deleted here once that is safe (permission accounts)
---@param mailbox string|table
---@param account string?
---@return msg
function msg:move(mailbox, account) end

--- File it even if a plugin before has filed it
---@param mailbox string|table
---@param account string?
---@return msg
function msg:refile(mailbox, account) end

--- Move it to the archive, or to a mailbox by pattern
---@param pattern string?
---@return msg
function msg:archive(pattern) end

--- Move it to the trash
---@return msg
function msg:trash() end

--- Delete it for good (permission delete)
---@return msg
function msg:delete() end

--- Copy it; into another account with permission accounts
---@param mailbox string|table
---@param account string?
---@return msg
function msg:copy(mailbox, account) end

--- Set flags: seen flagged answered draft passed
---@param ... string
---@return msg
function msg:flag(...) end

--- Take flags off
---@param ... string
---@return msg
function msg:unflag(...) end

--- Set keywords
---@param ... string|words
---@return msg
function msg:tag(...) end

--- Take keywords off
---@param ... string|words
---@return msg
function msg:untag(...) end

--- Save the message as a file (permission write)
---@param pattern string
---@return msg
function msg:save(pattern) end

--- Run a program with the message as its input, after the commit (permission exec)
---@param argv table
---@return msg
function msg:pipe(argv) end

--- Send it on (permission send)
---@param addr string
---@return msg
function msg:forward(addr) end

--- Answer it: `text`, `subject`, `once` (permission send)
---@param what table
---@return msg
function msg:reply(what) end

--- Put these bytes in its place: a message of its own, for on a server no message ever changes; the old one is deleted when the new one is safe (permission delete)
---@param bytes string
---@return msg
function msg:rewrite(bytes) end

--- Created: do not upload it
---@param why string
---@return msg
function msg:hold(why) end

--- POP3: keep it there, or do not
---@param keep boolean
---@return msg
function msg:keep_on_server(keep) end

--- Offered: leave it on the server for good
---@return msg
function msg:skip() end

--- No further plugin sees this message in this event
---@return msg
function msg:stop() end

--- An address; empty strings where nothing is known.
---@class addr
---@field name string The name before it, decoded
---@field addr string user+detail@domain
---@field user string What stands before + or @
---@field detail string What stands between + and @
---@field domain string What stands after @, in lower case
local addr = {}

--- A list of addresses; #list and list[i] work.
---@class addrs
local addrs = {}

--- Does one of them match?
---@param glob string
---@return boolean
function addrs:any(glob) end

--- A part of a message.
---@class part
---@field type string text/plain and the like, in lower case
---@field filename string? Its file name, decoded, without directories
---@field size integer Bytes when decoded
---@field params table Parameters of Content-Type, names in lower case
---@field charset string? Its character set
---@field text string Its text as UTF-8, up to 1 MiB
local part = {}

--- Its content, decoded
---@return string
function part:bytes() end

--- Save it as a file, never over another one (permission write)
---@param pattern string
---@return part
function part:save(pattern) end

--- Run a program with the content as its input, after the commit (permission exec)
---@param argv table
---@return part
function part:pipe(argv) end

--- A set of messages: `for m in set do`, #set, a + b, a * b, a - b; every action of a message is one of the set, too.
---@class msgs
local msgs = {}

--- The first n
---@param n integer
---@return msgs
function msgs:first(n) end

--- Those for which the function is true
---@param fn fun(msg): boolean
---@return msgs
function msgs:where(fn) end

--- By a field, or by "-field" the other way round
---@param key string
---@return msgs
function msgs:sort(key) end

--- Leave for an action on more than 500 messages
---@return msgs
function msgs:really() end

--- A set of words: set.word, #set, a + b, a * b, a - b, `for w in set do`.
---@class words
local words = {}

--- A mailbox.
---@class mailbox
---@field name string Its name, / between levels
---@field exists boolean Is there such a mailbox?
---@field role string? inbox sent trash junk drafts archive
---@field total integer Messages in it
---@field unseen integer Those that are not read
local mailbox = {}

--- Make it
---@return mailbox
function mailbox:create() end

--- Rename it, with what is below it
---@param to string
---@return mailbox
function mailbox:rename(to) end

--- Remove it; it has to be empty (permission delete)
---@return mailbox
function mailbox:remove() end

--- Put a message there; how: `flags`, `date`
---@param bytes string
---@param how table?
---@return mailbox
function mailbox:append(bytes, how) end

--- The account.
---@class account
---@field name string As in syncd.yaml
---@field identities string[] Addresses that are the user's
---@field online boolean Is there a connection?
---@field inbox string? INBOX
---@field sent string? The mailbox for sent messages
---@field trash string? The trash
---@field junk string? Where spam goes
---@field drafts string? Drafts
---@field archive string? The archive
local account = {}

--- Names of the mailboxes
---@param glob string?
---@return string[]
function account:mailboxes(glob) end

--- What an event without a message is about.
---@class event
---@field kind string folder: created renamed removed; else the event's name
---@field id string removing: what `syncd approve` takes
---@field mailbox string? folder, removing: which
---@field from string? folder, renamed: the name before
---@field mode string sync_start, sync_done: full quick idle push
---@field stats table sync_done: counts by name
---@field messages msgs removing, settled: the messages
---@field mailboxes string[] settled: those that changed
---@field since string offline: since when, as text
---@field error string offline, auth_failed: why
---@field reason string? What hold() was told
local event = {}

--- removing, folder: do not do it before `syncd approve`
---@param why string
---@return event
function event:hold(why) end

--- settled: messages whose keywords or flags changed, and what they were before
---@param what string
---@return fun(): msg, words
function event:changed(what) end

--- Values that last: store[key], store[key] = value, nil removes.
---@class store
local store = {}

--- Iterate over all of it, in the order of the keys
---@return fun(): string, any
function store:pairs() end

--- The same as store[key], for keys that are names of methods
---@param key string
---@return any
function store:get(key) end

--- The same as store[key] = value
---@param key string
---@param value any
---@return store
function store:set(key, value) end

--- A regular expression of Perl's kind (PCRE2), on UTF-8.
---@class regex
local regex = {}

--- Where it matches
---@param text string?
---@return integer?, integer?
function regex:find(text) end

--- What it captured, or all of the match
---@param text string?
function regex:match(text) end

--- Does it match?
---@param text string?
---@return boolean
function regex:test(text) end

---@class on
on = {}

--- POP3: new on the server, and not fetched yet; only its header is known: fn(msg)
---@param match match|function
---@param fn function?
function on.offered(match, fn) end

--- A message came; it is complete but not visible yet: fn(msg)
---@param match match|function
---@param fn function?
function on.incoming(match, fn) end

--- The message is in its mailbox and visible: fn(msg)
---@param match match|function
---@param fn function?
function on.delivered(match, fn) end

--- A mail program put a new file into a mailbox; it is not on the server yet, and msg:hold() keeps it from there; flags and moves follow its upload: fn(msg)
---@param match match|function
---@param fn function?
function on.created(match, fn) end

--- The server has the message: fn(msg)
---@param match match|function
---@param fn function?
function on.uploaded(match, fn) end

--- Flags or keywords changed; change.added, change.removed are words: fn(msg, change)
---@param match match|function
---@param fn function?
function on.flags(match, fn) end

--- The message moved from one mailbox to another: fn(msg, from, to)
---@param match match|function
---@param fn function?
function on.moved(match, fn) end

--- Local deletions are about to be sent to the server: fn(event)
---@param match match|function
---@param fn function?
function on.removing(match, fn) end

--- The message is gone on both sides: fn(msg)
---@param match match|function
---@param fn function?
function on.removed(match, fn) end

--- A mailbox was created, renamed or removed: fn(event)
---@param match match|function
---@param fn function?
function on.folder(match, fn) end

--- A run of the account begins: fn(event)
---@param match match|function
---@param fn function?
function on.sync_start(match, fn) end

--- It ended: fn(event)
---@param match match|function
---@param fn function?
function on.sync_done(match, fn) end

--- Nothing changed for a moment; event.messages did before: fn(event)
---@param match match|function
---@param fn function?
function on.settled(match, fn) end

--- There is a connection again: fn(event)
---@param match match|function
---@param fn function?
function on.online(match, fn) end

--- There is none; match { after = "1h" } waits that long: fn(event)
---@param match match|function
---@param fn function?
function on.offline(match, fn) end

--- The server refused the credentials: fn(event)
---@param match match|function
---@param fn function?
function on.auth_failed(match, fn) end

--- The script is loaded; nothing can be asked or done yet: fn()
---@param match match|function
---@param fn function?
function on.start(match, fn) end

--- A new version of it has taken over; nothing can be done any more: fn()
---@param match match|function
---@param fn function?
function on.stop(match, fn) end

--- A new version is about to take over: a table that is returned is given to its on.restore: fn()
---@param match match|function
---@param fn function?
function on.save(match, fn) end

--- What on.save of the version before returned; an error, and that version goes on: fn(table)
---@param match match|function
---@param fn function?
function on.restore(match, fn) end

--- Says what the plugin is and needs: api, exec, read, write, send, delete, accounts, connect
---@param declaration table
function plugin(declaration) end

--- Declares options, `name = { type, default, doc }`, and gives their values
---@param spec table
---@return table
function options(spec) end

--- Call fn each "15m"; a missed one is caught up once
---@param interval string
---@param fn function
function every(interval, fn) end

--- Call fn each day at "03:30"
---@param time string
---@param fn function
function daily(time, fn) end

--- Call fn by "0 4 * * 1": minute hour day month weekday
---@param spec string
---@param fn function
function cron(spec, fn) end

--- Make `syncd cmd NAME`; fn gets the messages and the arguments
---@param name string
---@param doc string
---@param fn function
function command(name, doc, fn) end

--- A store; how: { expire = "30d" }
---@param name string
---@param how table?
---@return store
function store(name, how) end

--- Ask a program and wait: { code, ok, out, err, lines }; keys input, timeout, env (permission exec)
---@param argv table
---@return table
function exec(argv) end

--- Ask a service and wait: "unix:/PATH" or "HOST:PORT"; gives { code, ok, out, err, lines } of all that it answers until it hangs up; keys input, timeout, and keep_open for services that take the end of the input for a farewell (permission connect)
---@param address string
---@param how table?
---@return table
function connect(address, how) end

--- The bytes of a file, 1 MB at most (permission read)
---@param path string
---@return string
function read(path) end

--- Run a program after the commit; keys input, once, timeout (permission exec)
---@param argv table
function run(argv) end

--- Messages by the keys below
---@param query table
---@return msgs
function search(query) end

--- The message with that id
---@param id integer
---@return msg
function message(id) end

--- A mailbox by name
---@param name string
---@return mailbox
function mailbox(name) end

--- Does one of the patterns (* and ?, without case) match all of the text?
---@param text string?
---@param globs string|string[]
---@return boolean
function glob(text, globs) end

--- A regular expression
---@param pattern string
---@return regex
function re(pattern) end

--- A set of words
---@param words table
---@return words
function set(words) end

--- Each word with the text before it, in order
---@param text string
---@param words table|words
---@return string[]
function prefix(text, words) end

--- A moment: "3d" from now, mon, 2026-05-01, 18:00
---@param text string
---@return integer
function time(text) end

--- Seconds since 1970
---@return integer
function now() end

--- from <= t < till, where a day as till is meant with all of it; nil is open
---@param t integer
---@param from any
---@param till any
---@return boolean
function between(t, from, till) end

--- Add n, or 1, to a counter that `syncd status` shows
---@param name string
---@param n number?
function metric(name, n) end

--- A module: syncd.NAME, or a file beside the plugin
---@param name string
---@return any
function require(name) end

---@type account
account = nil
