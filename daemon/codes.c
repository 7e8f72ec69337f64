/* codes.c — every error code there is. */
#include "codes.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

const struct code codes[] = {
	{ "account.disabled",
	    "The account has `enabled: no` in the configuration, so nothing is "
	    "done for it.",
	    "Set `enabled: yes`, then: syncd reload" },
	{ "account.paused",
	    "The account was paused, or it left the configuration while a job "
	    "waited for it.  A pause outlasts restarts.",
	    "syncd resume ACCOUNT" },
	{ "account.stopped",
	    "The process of the account was told to end (a restart, a reload, a "
	    "pause) while a job waited for it.  Nothing is lost: the work is "
	    "found again in the next round.",
	    "syncd sync ACCOUNT" },
	{ "auth.client-disabled",
	    "The secret may be right, but the provider does not let mail "
	    "programs in: IMAP is switched off for this mailbox, or by its "
	    "administrator.",
	    "Switch IMAP on in the settings of the mailbox, or ask its "
	    "administrator.  Then: syncd resume ACCOUNT" },
	{ "auth.mechanism-missing",
	    "The server and the configuration have no way to sign in in common. "
	    " A password goes only through SCRAM, or through PLAIN and LOGIN "
	    "inside TLS; some providers (Microsoft, often Google) take OAuth2 "
	    "tokens only.",
	    "Look at auth.mechanisms (syncd config explain accounts.*.auth); "
	    "for OAuth2 give a token_command." },
	{ "auth.needs-app-password",
	    "The provider wants a password made for programs, not the one for "
	    "its web site.",
	    "Make an app password in the security settings of the mailbox, "
	    "store it where the secret comes from, then: syncd resume ACCOUNT" },
	{ "auth.refused",
	    "The server said no to the user name or the secret.  The account "
	    "stays down until you act, so that the provider does not lock it; "
	    "the others go on.",
	    "Try the secret: run its command by hand.  Many providers want an "
	    "app password.  Then: syncd resume ACCOUNT" },
	{ "auth.throttled",
	    "The server refused the sign-in for now: too many connections, too "
	    "many attempts, or it is being looked after.  syncd waits longer "
	    "each time and tries again.",
	    "Nothing, if it goes away.  Else lower limits.connections, or end "
	    "other mail programs." },
	{ "auth.token-expired",
	    "The server refused the OAuth2 token, also a fresh one from "
	    "token_command.",
	    "Run token_command by hand; its helper may want you to sign in "
	    "again.  Then: syncd resume ACCOUNT" },
	{ "backup.damaged",
	    "Mail that was kept is not what arrived: a file is damaged or "
	    "missing, the manifest was changed, or the server has something that "
	    "is not here.  `syncd verify` names each.",
	    "syncd verify --online ACCOUNT: what the server still has is fetched "
	    "again.  The rest is in your snapshots." },
	{ "backup.incomplete",
	    "After the restore, the server has fewer messages than there are "
	    "here: what it refused is in the log, with the reason.",
	    "syncd restore again: what is there already is not sent twice." },
	{ "backup.stale",
	    "The account has had no full success for schedule.alert_after: a "
	    "round in which every folder reached what the server reported.",
	    "syncd sync ACCOUNT, and see what it says." },
	{ "config.bad-value",
	    "The value does not fit its key: a word that is not in the list, a "
	    "number out of range, a name that cannot be one, a path too long "
	    "for a socket.",
	    "syncd config explain KEY says what it takes." },
	{ "config.duplicate-key",
	    "The same key stands twice in a map, or the same account in two "
	    "files.",
	    "Keep one of them; the message names both places." },
	{ "config.encoding",
	    "The file holds bytes that are not UTF-8.",
	    "Save it as UTF-8." },
	{ "config.include-loop",
	    "A file includes itself, directly or by way of another.",
	    "Take one of the `include` lines out." },
	{ "config.indent",
	    "A line does not stand in line with its neighbours, or a key has no "
	    "value.",
	    "Indent keys of one map by the same number of spaces." },
	{ "config.later",
	    "The key or word is planned and has no effect in this version.  As "
	    "a warning it is only told; where going on would do something else "
	    "than you asked for, it is an error.",
	    "Take it out, or live without it for now." },
	{ "config.merge-key",
	    "YAML's `<<` is not supported.",
	    "Put what accounts have in common under `defaults:`." },
	{ "config.missing",
	    "There is no configuration that could be used, and nothing said "
	    "why.",
	    "syncd check" },
	{ "config.missing-key",
	    "A key that is needed here is missing.",
	    "Add it; the message names it, and syncd config explain KEY says "
	    "what it takes." },
	{ "config.missing-secret",
	    "The account has no source for its password or token.",
	    "Add one line, such as password_command: pass show mail/work" },
	{ "config.no-account",
	    "The files were read and hold no account.",
	    "Add one under `accounts:`; syncd.yaml.example shows how." },
	{ "config.no-nmcli",
	    "schedule.only_if names `unmetered`, and there is nobody to ask: "
	    "nmcli, of NetworkManager, is not installed.  Every network counts "
	    "as unmetered.",
	    "Write schedule.condition_command, which exits 0 on such a network, "
	    "or take `unmetered` out." },
	{ "config.no-script",
	    "The configuration names a script that is not there.  Mail is synced "
	    "without it: what it would have filed stays in INBOX.",
	    "Mend the path below `plugins:`; syncd plugin list shows the scripts "
	    "that come with syncd.  Then: syncd reload" },
	{ "config.not-found",
	    "There is no configuration, or a file that another includes is not "
	    "there.",
	    "Write ~/.config/syncd/syncd.yaml, or name a file with -c; syncd "
	    "config path says where it is looked for." },
	{ "config.path-overlap",
	    "Two accounts, or mail and state, would live in one directory.  "
	    "Each would take the other's files for its own.",
	    "Give each account a `path` of its own." },
	{ "config.permissions",
	    "Others may write to the configuration, and the commands in it run "
	    "as you.",
	    "chmod go-w FILE" },
	{ "config.plaintext",
	    "`tls: {mode: none}` would send the password and all mail in clear. "
	    " It is allowed for loopback addresses and tunnels only.",
	    "tls: {mode: implicit}, or {mode: starttls}" },
	{ "config.rejected",
	    "The daemon read the configuration again and found mistakes in it, "
	    "or something that cannot change while it runs.  It goes on with "
	    "the old one.",
	    "syncd check, mend what it names, then: syncd reload" },
	{ "config.second-document",
	    "A line `---` begins a second YAML document; a file has one.",
	    "Take the line out." },
	{ "config.syntax",
	    "The file is not YAML: a bracket or quote is not closed, or a word "
	    "begins with a character that YAML wants for itself.",
	    "The caret stands under the place.  Quote words that begin with * & "
	    "! % @ or a backtick." },
	{ "config.tab",
	    "A tab indents a line; YAML allows spaces only.",
	    "Replace it by spaces." },
	{ "config.tag",
	    "A word begins with `!`, which is a tag in YAML.  Patterns of "
	    "folders often do.",
	    "Quote it: '!Junk'" },
	{ "config.too-big",
	    "The configuration passes a limit: too many values, too many "
	    "levels, too long a file, or too many files.",
	    "Cut it down; aliases count as if they were written out." },
	{ "config.two-secrets",
	    "An account has two sources for its password, and only one can be "
	    "right.",
	    "Keep one of the two lines that are named." },
	{ "config.unknown-key",
	    "There is no such key.  A misspelt key would be a setting that is "
	    "silently not in effect, so it is an error.",
	    "Follow the suggestion, or: syncd config explain" },
	{ "config.unreadable",
	    "A file of the configuration cannot be read.",
	    "Look at its owner and mode: ls -l FILE" },
	{ "config.unverified",
	    "TLS is used but the server's certificate is not checked: anybody "
	    "on the way can read and change everything.",
	    "Trust the one server instead: tls.ca_file, or tls.pin with "
	    "tls.verify: pin." },
	{ "config.wrong-type",
	    "A map stands where a word is expected, or the other way round.",
	    "syncd config explain KEY shows the shape." },
	{ "control.bad-json",
	    "A line on a socket was not a JSON object.",
	    "Send one JSON object a line; a program other than syncd may have "
	    "connected." },
	{ "control.bad-request",
	    "A request on the control socket misses something, or has it in the "
	    "wrong shape.",
	    "The method `describe` lists methods and their parameters." },
	{ "control.too-long",
	    "A line on the control socket passes its limit.",
	    "Ask for less at once." },
	{ "control.too-many",
	    "One client waits for too many jobs.",
	    "Wait for some of them first." },
	{ "daemon.gone",
	    "The daemon ended the connection: it was stopped, or it fell.",
	    "syncd status; its log says more (journalctl --user -u syncd)" },
	{ "daemon.not-running",
	    "Nobody listens at the control socket.",
	    "systemctl --user start syncd, or in the foreground: syncd run" },
	{ "daemon.protocol",
	    "What came from the control socket is not what a daemon of this "
	    "version says.",
	    "The daemon may be older than the program: syncd stop, and start it "
	    "again." },
	{ "daemon.sandbox",
	    "A layer of the sandbox around each worker is missing on this "
	    "machine; the worker runs without it.",
	    "A newer kernel has it.  The unit syncd@.service protects in "
	    "other ways as well." },
	{ "daemon.timeout",
	    "The daemon did not answer in time.",
	    "If it happens again: systemctl --user restart syncd, and please "
	    "report it." },
	{ "guard.max-delete",
	    "More messages disappeared at once on one side, or were written "
	    "again here, than guards.max_delete allows (100 and 20 % of the "
	    "folder, unless you say otherwise).  None of them was deleted on "
	    "the other side; everything else of the folder goes on, and it is "
	    "looked at again every minute.  It is what an emptied directory, a "
	    "wiped mailbox or a copy on a full disk looks like.",
	    "If you meant it: syncd approve ACCOUNT/FOLDER deletes them on the "
	    "other side, too (--dry-run lists them), and a backup does without "
	    "them.  If not: syncd reject ACCOUNT/FOLDER brings them back from "
	    "there; what was written here stays beside them." },
	{ "guard.script",
	    "A script holds deletions that were about to go to the server: it "
	    "found that they look like an accident.  Their copies on the server "
	    "are kept until you say what they are.",
	    "syncd approve ACCOUNT/FOLDER if you meant it, syncd reject "
	    "ACCOUNT/FOLDER to bring the messages back." },
	{ "guard.uidl-change",
	    "All messages of a POP3 mailbox have new ids, and the server shows "
	    "no headers by which they could be recognised.  Nothing is fetched a "
	    "second time, and nothing is deleted there.",
	    "If it is other mail than before: syncd approve ACCOUNT/INBOX" },
	{ "guard.uidvalidity",
	    "The server numbers the messages of a folder anew: it was rebuilt, "
	    "moved, or the folder was made again.  guards.uidvalidity_change: hold "
	    "wants to be asked: nothing is done in that folder, on either side.",
	    "syncd approve ACCOUNT/FOLDER matches both sides by content; nothing "
	    "is deleted or doubled by that." },
	{ "init.foreign-host",
	    "The domain publishes a mail server that is not in the domain "
	    "itself.  That is usual for hosted mail, but it could also be "
	    "somebody who answers name queries falsely, so it has to be "
	    "confirmed.",
	    "If the name is the right one, give it with --host." },
	{ "init.no-imap",
	    "The provider of the address has no IMAP that syncd could speak "
	    "with.",
	    "The message says what there is instead, if anything." },
	{ "init.not-included",
	    "The file of the new account was written, but the configuration has "
	    "an `include` of its own that does not name it.",
	    "Add accounts.d/*.yaml to `include`." },
	{ "init.nothing-found",
	    "The address is not of a provider in the built-in table, and its "
	    "domain publishes no server (SRV records, RFC 6186) and no mail "
	    "exchanger that is known.",
	    "syncd init EMAIL --host HOST, with the name that the provider's "
	    "help pages give." },
	{ "init.write",
	    "The file of the new account could not be written.",
	    "Look at the directory's mode, then run syncd init again." },
	{ "internal.ipc",
	    "The daemon and one of its processes did not understand each other. "
	    " The process is started again.",
	    "Please report it, with the log." },
	{ "internal.plan",
	    "The plan of a dry run passed its limit.",
	    "Ask for less at once: syncd sync --dry-run ACCOUNT/FOLDER" },
	{ "internal.poll",
	    "The system would not wait for files and sockets.",
	    "Look at ulimit -n and at memory; please report it otherwise." },
	{ "internal.role",
	    "A process could not be started.",
	    "Look at ulimit -u, ulimit -n and at memory.  syncd tries again by "
	    "itself." },
	{ "internal.signals",
	    "The system gave no signal descriptor.",
	    "Look at ulimit -n." },
	{ "internal.worker",
	    "The process of an account ended without last words.  Its log line "
	    "says what it was doing.  It is started again, after a longer wait "
	    "each time; what it had begun is settled then.",
	    "Please report it, with the log (journalctl --user -u syncd)." },
	{ "ipc.conf",
	    "An account's process was handed a configuration that it cannot "
	    "read: it may be of another version than the daemon.",
	    "Stop syncd and start it again." },
	{ "job.unknown",
	    "There is no job of this number (any more).",
	    "syncd sync starts a new one." },
	{ "method.unknown",
	    "The control socket has no such method.",
	    "The method `describe` lists them." },
	{ "net.changed",
	    "The network changed or the machine slept, so connections are made "
	    "anew.",
	    "Nothing." },
	{ "net.closed",
	    "The server ended the connection.  syncd connects again.",
	    "Nothing, if it goes away; else the server's administrator may "
	    "know." },
	{ "net.deflate",
	    "The compressed stream is damaged.  The connection is dropped and "
	    "made anew.",
	    "If it happens again: compress: no" },
	{ "net.dns",
	    "The name of the server could not be looked up.",
	    "Check the spelling of `host`, and the network: getent hosts NAME" },
	{ "net.offline",
	    "There is no way to the network.  syncd tries again, at once when "
	    "an interface comes up.",
	    "Nothing, when you are offline." },
	{ "net.refused",
	    "Nobody listens at this address and port, or tunnel_command could "
	    "not be started.",
	    "Check `host`, `port` and tls.mode: 993 is implicit TLS, 143 "
	    "STARTTLS." },
	{ "net.reset",
	    "The connection broke.  syncd connects again.",
	    "Nothing, if it goes away." },
	{ "net.timeout",
	    "The server did not answer in time (limits.timeout), or the "
	    "connection is dead.  syncd connects again.",
	    "Nothing, if it goes away; on slow lines raise limits.timeout." },
	{ "plugin.effect",
	    "Something that a script wanted done outside the mail (a command, a "
	    "message to send, a file to save) failed for good.  The message says "
	    "which line of the script asked for it.  The mail itself is not "
	    "concerned.",
	    "Mend the cause; syncd plugin list shows the script." },
	{ "plugin.error",
	    "A script failed.  Its message was delivered as if the script were "
	    "not there, and will be given to it again.",
	    "Mend the script at the line that is named, then: syncd plugin "
	    "resume NAME" },
	{ "plugin.no-host",
	    "Scripts are configured, and their process could not be started: "
	    "syncd-script is not where syncd looks, beside itself or in "
	    "libexec/syncd.  Mail is delivered as if there were no scripts.",
	    "Install all of syncd: make install" },
	{ "plugin.store-full",
	    "A script keeps more in its store than it may: 16 MiB in all, 1 MiB "
	    "for each value.",
	    "Let the script forget old entries: store(name, {expire = \"30d\"})." },
	{ "proto.bad-search",
	    "A request to the server would have been malformed.",
	    "Please report it, with a log made with log: {protocol: [ACCOUNT]}" },
	{ "proto.bye",
	    "The server said goodbye; the message has its words.  syncd "
	    "connects again.",
	    "Nothing, if it goes away." },
	{ "proto.dead",
	    "The connection was used after the server had broken the protocol.",
	    "Please report it, with the log." },
	{ "proto.line-too-long",
	    "The server sent a longer line than any answer has.",
	    "If it happens again, please report it with a log made with log: "
	    "{protocol: [ACCOUNT]}" },
	{ "proto.literal-length",
	    "A part of an answer was longer or shorter than the server had "
	    "announced.  Going on would take mail for answers, so the "
	    "connection is made anew.",
	    "If it happens again, please report it with a log made with log: "
	    "{protocol: [ACCOUNT]}" },
	{ "proto.literal-too-big",
	    "The server announced more bytes than the answer may have.",
	    "Is it a message?  See limits.max_message_size.  Else please report "
	    "it." },
	{ "proto.other-server",
	    "Another kind of server answers there: SMTP sends mail and does not "
	    "give it out, and IMAP and POP3 have ports of their own.",
	    "Correct `host` and `port`: IMAP is at 993, POP3 at 995 with "
	    "protocol: pop3." },
	{ "proto.preauth-flood",
	    "The server sent far too much before the sign-in.",
	    "Is it an IMAP server?  Check `host` and `port`." },
	{ "proto.too-deep",
	    "The server sent parentheses in parentheses beyond any sense.",
	    "Please report it, with a log made with log: {protocol: [ACCOUNT]}" },
	{ "proto.unexpected",
	    "The server gave an answer that does not fit: not IMAP at all, or "
	    "numbers that contradict each other.  What depends on it is left "
	    "alone and asked again.",
	    "Check `host` and `port`.  If it happens again, please report it "
	    "with a log made with log: {protocol: [ACCOUNT]}" },
	{ "secret.command-failed",
	    "The command that prints the secret failed or could not be started; "
	    "the message has the last line that it said.",
	    "Run it by hand, as the same user and without a terminal." },
	{ "secret.command-timeout",
	    "The command that prints the secret took longer than "
	    "auth.command_timeout.  It may wait for a passphrase that nobody "
	    "sees.",
	    "Unlock the store (gpg-agent, keyring), then: syncd resume ACCOUNT" },
	{ "secret.empty",
	    "The source gave an empty secret, or one that is too long.",
	    "Run the command, or look into the file." },
	{ "secret.file",
	    "The file with the secret cannot be read.",
	    "Check auth.password_file." },
	{ "secret.file-mode",
	    "Others may read the file with the secret.",
	    "chmod 600 FILE" },
	{ "secret.invalid",
	    "What came as a secret has bytes that none has, or is too long: "
	    "perhaps an error message or a whole file.",
	    "Run the command by hand: it must print the secret in one line, and "
	    "nothing else." },
	{ "secret.no-credentials",
	    "`credential` asks systemd for the secret, and syncd was not "
	    "started by a unit that has it.",
	    "Add LoadCredential= to the unit, or use another source." },
	{ "secret.store-failed",
	    "The password could not be stored, or what was read back was "
	    "another one.",
	    "syncd init EMAIL --secret file, or another of the tools." },
	{ "server.expire",
	    "The POP3 server says that it deletes what was fetched (EXPIRE 0).  "
	    "Mail is safe here before it can, but pop3.keep_on_server has no "
	    "effect.",
	    "pop3: {keep_on_server: 0}, or use IMAP." },
	{ "server.folder-gone",
	    "A folder that was synced is not on the server any more.  It stays "
	    "here, as folders.delete_local says.",
	    "Delete it here too, or set folders.delete_local." },
	{ "server.folder-name-invalid",
	    "A folder that was made here cannot exist on the server: a "
	    "character it does not take, or no permission.  It stays here only.",
	    "Rename the directory, or leave it out: folders.sync" },
	{ "server.in-use",
	    "Another session has the POP3 mailbox locked: another program, or a "
	    "connection of ours that the server still holds for alive.  syncd "
	    "tries again in a minute or later.",
	    "Nothing, if it goes away; else end the other program." },
	{ "server.limit-connections",
	    "The server says that there are too many connections.",
	    "Lower limits.connections, or end other mail programs." },
	{ "server.no-uidl",
	    "The POP3 server has no UIDL, or no id for a message, so it cannot "
	    "be told what was fetched already.  It can be emptied, but nothing "
	    "can be kept on it.",
	    "pop3: {keep_on_server: 0}, or use IMAP." },
	{ "server.over-rate",
	    "The server says that too much was transferred or asked.  syncd "
	    "waits longer each time.",
	    "Nothing but patience; limits count per day at some providers." },
	{ "server.poison",
	    "The server lists a message but will not give it.  It is left on "
	    "the server only, and the others go on.  It is tried again when "
	    "syncd starts, once a day at most.",
	    "Open it, or delete it, in webmail." },
	{ "server.quota",
	    "The mailbox is full: uploads wait.  Everything else goes on.",
	    "Make room on the server." },
	{ "server.read-only",
	    "The server would not take flags, uploads or deletions in this "
	    "folder; the message has its words.  Shared folders are often like "
	    "this.",
	    "Ask its owner for the right, or: policy_for: {FOLDER: pull}" },
	{ "server.refused",
	    "The server refused something that was asked in an ordinary way.  "
	    "The folder is tried again later; until then, for an hour at most, "
	    "what is gone in other folders is kept here: it may have moved to "
	    "this one.",
	    "If it stays, please report it with a log made with log: {protocol: "
	    "[ACCOUNT]}" },
	{ "server.refused-message",
	    "The server does not take a message: too large, NUL bytes, or a "
	    "rule of its own.  It stays here only, until its file changes; it "
	    "is tried again when syncd starts, once a day at most.",
	    "The message names the file; move it elsewhere if you do not want "
	    "to be told." },
	{ "server.too-big",
	    "A message is larger than limits.max_message_size and stays on the "
	    "server only.  It is tried again when syncd starts, once a day at "
	    "most.",
	    "Raise limits.max_message_size." },
	{ "server.too-many-folders",
	    "The server lists more mailboxes than anybody has.  Nothing is done "
	    "in this account.",
	    "Look at the mailbox with another program; tell its provider." },
	{ "server.uidvalidity",
	    "The server numbers the messages of a folder anew, or has gone back "
	    "to what it was (from a backup?).  Its messages are matched by "
	    "content; nothing is deleted or doubled by that.  If it happened "
	    "while the folder was being worked on, the next round does it.",
	    "Nothing." },
	{ "server.unavailable",
	    "The server says that it cannot serve now; the message has its "
	    "words.  syncd tries again, after a longer wait each time.",
	    "Nothing, if it goes away." },
	{ "state.absent",
	    "There is no state database of this account: it was never synced, or "
	    "the state is lost.  Then both sides are matched by content: nothing "
	    "is deleted, and what was deleted on one side since the last round "
	    "comes back.",
	    "syncd sync ACCOUNT" },
	{ "state.corrupt",
	    "The state database is damaged, or it is another program's file.  "
	    "Nothing was changed.",
	    "Move STATE_DIR/ACCOUNT.db away: the next sync matches all mail by "
	    "content and makes a new one; no mail is lost." },
	{ "state.io",
	    "The state directory, the control socket or the log file could not "
	    "be read or written.",
	    "Check the directory, its owner and the room on the disk; syncd "
	    "check names it." },
	{ "state.locked",
	    "Another syncd, or another account, works on this Maildir, or "
	    "syncd is running already.",
	    "syncd status; end one of the two." },
	{ "state.newer-version",
	    "The state database was written by a newer syncd, which this one "
	    "does not understand.  Nothing was changed.",
	    "Install the newer version again." },
	{ "store.case-collision",
	    "Too many folders have names that differ in case only, for a file "
	    "system that sees no difference.",
	    "Rename some of them on the server, or use folders.rename." },
	{ "store.file-changed",
	    "A file changed while it was being uploaded.  The connection is "
	    "made anew and the upload begins again.",
	    "Nothing; message files should be replaced, never written to." },
	{ "store.file-limit",
	    "The system allows few open files.",
	    "ulimit -n 1024" },
	{ "store.folder-gone",
	    "A folder that was synced is not here any more.  It stays on the "
	    "server, as folders.delete_remote says.",
	    "Make the directory again to get it back, or set "
	    "folders.delete_remote." },
	{ "store.io",
	    "A file or directory of the Maildir could not be read, written or "
	    "synced to the disk.  The account stops, so that nothing is built "
	    "on what may be lost.",
	    "Look at the disk: dmesg, df.  Then: syncd resume ACCOUNT" },
	{ "store.marker-missing",
	    "The directory is not the store that syncd left: the marker file "
	    ".syncd-store at its root is gone, or is that of another store.  It "
	    "is what an unmounted disk looks like.  Nothing was changed.",
	    "Mount the disk.  If you moved or emptied the directory on purpose, "
	    "see \"The store is gone\" in the README." },
	{ "store.name-too-long",
	    "A file name would be longer than the file system takes.",
	    "Fewer keywords on the message, or a shorter folder name by "
	    "folders.rename." },
	{ "store.no-space",
	    "The disk is full, the quota is used up, or there is less room than "
	    "guards.min_free_space.  The account stops, and starts again after "
	    "a longer wait each time.",
	    "Make room." },
	{ "store.not-a-maildir",
	    "A directory that should hold a folder is none: no cur and new, or "
	    "no directory at all.",
	    "Look at it; move away what does not belong there." },
	{ "store.not-a-message",
	    "Something in cur or new is not a plain file, or changed while it "
	    "was looked at.",
	    "Move it out of the Maildir." },
	{ "store.permission",
	    "A file or directory may not be read or written, or belongs to "
	    "another user.",
	    "Check owner and mode; syncd runs as one user." },
	{ "store.read",
	    "A message file could not be read while it was being uploaded.",
	    "Look at the disk: dmesg.  Then: syncd resume ACCOUNT" },
	{ "store.watch-limit",
	    "The system gives no more inotify watches.  The folders that have "
	    "none are read every minute instead.",
	    "sysctl fs.inotify.max_user_watches=65536" },
	{ "target.unknown",
	    "No account or folder has this name.",
	    "syncd status lists the accounts, syncd folders the folders." },
	{ "tls.ca-file",
	    "The file of trusted certificates cannot be read.",
	    "Check tls.ca_file; it holds certificates in PEM." },
	{ "tls.client-cert",
	    "The certificate or key that this side should show cannot be used.",
	    "Check tls.client_cert: both in PEM, and belonging together." },
	{ "tls.expired",
	    "The server's certificate has expired, or is not valid yet.",
	    "Check the clock of this machine; else the server's administrator "
	    "must renew it." },
	{ "tls.handshake",
	    "TLS could not be agreed on.",
	    "Check `port` and tls.mode (993 implicit, 143 starttls)." },
	{ "tls.injected",
	    "There were bytes in clear where TLS should begin.  It is what an "
	    "attack looks like: nothing was sent, and the secret is safe.",
	    "Try another network.  tls: {mode: implicit} has no such moment." },
	{ "tls.library",
	    "OpenSSL could not be set up.",
	    "Check the OpenSSL configuration of the system." },
	{ "tls.name-mismatch",
	    "The certificate is for another name than the one that was "
	    "connected to.",
	    "Use a name from the message as `host`, if it is your provider's." },
	{ "tls.pin-mismatch",
	    "The server's key is none of those in tls.pin.  It was changed, or "
	    "somebody else answers.",
	    "Ask the provider; then put the new pin beside the old one." },
	{ "tls.starttls-stripped",
	    "The server does not offer STARTTLS.  Somebody on the way may have "
	    "taken it out: nothing was sent, and the secret is safe.",
	    "tls: {mode: implicit} and port 993, if the server has it." },
	{ "tls.too-old",
	    "The server has only TLS versions below tls.min_version.",
	    "The server should be updated." },
	{ "tls.untrusted",
	    "The server's certificate is signed by nobody that this system "
	    "trusts.",
	    "For a server of your own: tls.ca_file, or tls.pin with "
	    "tls.verify: pin." },
};
const size_t n_codes = ARRAY_LEN(codes);

static int
by_name(const void *key, const void *elem)
{
	const struct code *c = elem;

	return strcmp(key, c->name);
}

const struct code *
codes_find(const char *name)
{
	return bsearch(name, codes, n_codes, sizeof(codes[0]), by_name);
}
