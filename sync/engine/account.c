/*
 * account.c — opening and closing an account, its list of folders, transactions.
 *
 * The marker file at the root of the Maildir holds the id that the state
 * database also holds: without it, an unmounted disk would look like a user who
 * deleted everything.
 */
#include "engine/account.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wait.h"
#include "engine/boot.h"
#include "engine/dirsync.h"
#include "engine/hooks.h"
#include "engine/manifest.h"
#include "engine/remote.h"
#include "engine/unread.h"

#define STORE_ID	"store.id"
#define DELIVERING	"delivering"	/* a pid; negative: it ended well */

enum { AUDIT_KEEP = 200000, PLAN_MAX = 16 << 20 };

/* Make ${path} and what is missing above it, 0700. */
static int
make_path(const char *path, struct err *err)
{
	char *p = xstrdup(path);
	int r = 0;

	for (char *slash = p + 1; r == 0; slash++) {
		slash = strchr(slash, '/');
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(p, 0700) < 0 && errno != EEXIST)
			r = err_sys(err, ERR_LOCAL, "store.permission",
			    "create %s", p);
		if (slash == NULL)
			break;
		*slash = '/';
	}
	free(p);
	return r;
}

static int
read_marker(int root_fd, char id[40])
{
	int fd = openat(root_fd, ACCOUNT_MARKER, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, id, 39);
	close(fd);
	if (n < 0)
		return -1;
	id[n] = '\0';
	id[strcspn(id, "\r\n")] = '\0';
	return 0;
}

static int
write_marker(int root_fd, const char *id, struct err *err)
{
	int fd = openat(root_fd, ACCOUNT_MARKER,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t n = strlen(id);
	bool ok;

	if (fd < 0)
		return err_sys(err, ERR_LOCAL, "store.permission",
		    "create %s", ACCOUNT_MARKER);
	ok = write(fd, id, n) == (ssize_t)n && write(fd, "\n", 1) == 1 &&
	    fsync(fd) == 0;
	if (!ok)
		err_sys(err, ERR_LOCAL, "store.io", "write %s", ACCOUNT_MARKER);
	close(fd);
	if (!ok || fsync(root_fd) < 0)
		return ok ? err_sys(err, ERR_LOCAL, "store.io", "sync root") : -1;
	return 0;
}

static void
random_id(char id[40])
{
	unsigned char raw[16];

	must(getrandom(raw, sizeof(raw), 0) == sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(id + 2 * i, 3, "%02x", raw[i]);
}

/* A tree that is not ours may have mail as well. */
static bool
has_folders(const struct account *acc)
{
	int fd = openat(acc->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	bool any = false;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!any && (e = readdir(dir)) != NULL)
		any = strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, ACCOUNT_MARKER) != 0;
	closedir(dir);
	return any;
}

/* The store must be the one that the state was made for. */
static int
check_marker(struct account *acc, struct err *err)
{
	char id[40], *known;
	bool marked;
	int r = 0;

	if (store_get(acc->store, STORE_ID, &known, err) < 0)
		return -1;
	marked = read_marker(acc->root_fd, id) == 0;
	if (!marked && acc->conf->restore.on)
		r = err_set(err, ERR_LOCAL, "store.marker-missing",
		    "%s is not a store that syncd filled: the marker %s is "
		    "not there. Is a disk unmounted?", acc->root, ACCOUNT_MARKER);
	else if (!marked && known != NULL &&
	    acc->conf->guards.store_missing == HOLD_HOLD)
		r = err_set(err, ERR_LOCAL, "store.marker-missing",
		    "%s exists but is not the store syncd left there: "
		    "the marker %s is gone. Is a disk unmounted? "
		    "Nothing was changed", acc->root, ACCOUNT_MARKER);
	else if (marked && known != NULL && strcmp(known, id) != 0)
		r = err_set(err, ERR_LOCAL, "store.marker-missing",
		    "%s belongs to another state than %s: its marker %s "
		    "differs. Nothing was changed", acc->root,
		    acc->state_dir, ACCOUNT_MARKER);
	acc->unclaimed = !acc->conf->restore.on && (!marked || known == NULL);
	acc->unknown = acc->unclaimed && known == NULL && has_folders(acc);
	free(known);
	return r;
}

int
account_claim(struct account *acc, struct err *err)
{
	char id[40];

	if (!acc->unclaimed)
		return 0;
	if (read_marker(acc->root_fd, id) == 0) {
		log_warn("[state.absent] %s was filled before, and there is "
		    "no state of it: matching by content, nothing is deleted; "
		    "what was deleted since the last round comes back",
		    acc->root);
	} else {
		random_id(id);
		if (write_marker(acc->root_fd, id, err) < 0)
			return -1;
	}
	if (account_begin(acc, err) < 0 || account_end(acc, store_set(acc->store,
	    STORE_ID, str_z(id), err), err) < 0)
		return -1;
	acc->unclaimed = false;
	return 0;
}

static int
load_folders(struct account *acc, struct err *err)
{
	struct folder_row row;
	int64_t at = 0;

	err->class = ERR_NONE;
	while (store_folder_next(acc->store, &at, &row, err))
		folder_from_row(account_folder_new(acc), &row);
	return err->class == ERR_NONE ? 0 : -1;
}

/* One Maildir, two states: each would find the other's mail new, and send it.  Where
 * directories cannot be locked (NFS), nobody is kept out. */
static int
lock_root(struct account *acc, struct err *err)
{
	usec until = clock_in(USEC_S(3));

	/* It only reads here, beside the account whose Maildir it is. */
	if (acc->conf->restore.on)
		return 0;
	while (flock(acc->root_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return 0;
		if (clock_now() >= until)
			return err_set(err, ERR_RETRY, "state.locked",
			    "another syncd, or another account, works on %s",
			    acc->root);
		if (wait_any(NULL, 0, clock_in(USEC_MS(50)), err) < 0)
			return -1;
	}
	return 0;
}

static int
open_root(struct account *acc, struct err *err)
{
	struct stat st;

	if (!acc->conf->restore.on && make_path(acc->root, err) < 0)
		return -1;
	acc->root_fd = open(acc->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (acc->root_fd < 0)
		return err_sys(err, ERR_LOCAL, "store.permission", "open %s",
		    acc->root);
	if (fstat(acc->root_fd, &st) < 0 || st.st_uid != geteuid())
		return err_set(err, ERR_LOCAL, "store.permission",
		    "%s does not belong to this user", acc->root);
	return lock_root(acc, err);
}

static int
note_delivering(struct account *acc, int pid, struct err *err)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	if (account_begin(acc, err) < 0)
		return -1;
	return account_end(acc, store_set(acc->store, DELIVERING, str_z(text),
	    err), err);
}

int
account_delivering(struct account *acc, struct err *err)
{
	if (acc->delivering)
		return 0;
	acc->delivering = true;
	return note_delivering(acc, (int)getpid(), err);
}

/* What left tmp/ is perhaps not gone from the disk: to btrfs a rename is one thing only
 * if the file was synced in the same of its transactions.  One more sync for each few
 * messages would be dear; so a boot makes a dead one of who ended well. */
static int
find_dead(struct account *acc, struct err *err)
{
	char *noted;
	int pid;

	if (store_get(acc->store, DELIVERING, &noted, err) < 0)
		return -1;
	pid = noted != NULL ? atoi(noted) : 0;
	free(noted);
	acc->dead = pid < 0 && acc->booted ? -pid : pid > 0 ? pid : 0;
	return pid < 0 && acc->booted ? note_delivering(acc, -pid, err) : 0;
}

int
account_buried(struct account *acc, struct err *err)
{
	int pid = acc->dead;

	acc->dead = 0;
	return acc->delivering ? 0 : note_delivering(acc, -pid, err);
}

struct account *
account_open(const struct account_conf *conf, const char *state_dir,
    struct err *err)
{
	struct account *acc = xcalloc(1, sizeof(*acc));
	char *db = xasprintf("%s/%s.db", state_dir, conf->name);

	acc->conf = conf;
	acc->state_dir = state_dir;
	acc->root = xstrdup(conf->path);
	acc->root_fd = -1;
	acc->progress = &acc->unseen;
	acc->tree_remote = acc->tree_local = true;
	buf_init(&acc->plan, PLAN_MAX);
	acc->deliver = deliver_new();
	acc->remote = remote_new();
	if (make_path(state_dir, err) < 0 || open_root(acc, err) < 0 ||
	    (acc->store = store_open(db, err)) == NULL ||
	    check_marker(acc, err) < 0 || load_folders(acc, err) < 0 ||
	    boot_look(acc, err) < 0 || find_dead(acc, err) < 0 ||
	    boot_note(acc, err) < 0 ||
	    store_audit_trim(acc->store, AUDIT_KEEP, err) < 0 ||
	    unread_load(acc, err) < 0) {
		account_close(acc);
		acc = NULL;
	}
	free(db);
	return acc;
}

void
account_close(struct account *acc)
{
	struct err ignored;

	if (acc == NULL)
		return;
	if (acc->delivering && !store_in_transaction(acc->store)) {
		deliver_discard(acc->deliver);
		(void)note_delivering(acc, -(int)getpid(), &ignored);
	}
	while (acc->lanes.n > 0)
		lanes_close(&acc->lanes, acc->lanes.lane[0]);
	for (size_t i = 0; i < acc->n_folders; i++)
		folder_free(acc->folder[i]);
	free(acc->folder);
	problem_clear(acc);
	buf_clear(&acc->plan);
	hooks_free(acc->hooks);
	deliver_free(acc->deliver);
	remote_free(acc->remote);
	manifest_free(acc);
	watch_free(acc->watcher);
	store_close(acc->store);
	if (acc->root_fd >= 0)
		close(acc->root_fd);
	free(acc->root);
	free(acc);
}

struct folder *
account_folder_new(struct account *acc)
{
	struct folder *f = folder_new();

	acc->folder = array_room(acc->folder, acc->n_folders,
	    &acc->cap_folders, sizeof(*acc->folder));
	acc->folder[acc->n_folders++] = f;
	return f;
}

void
account_folder_drop(struct account *acc, struct folder *f)
{
	for (size_t i = 0; i < acc->n_folders; i++)
		if (acc->folder[i] == f) {
			acc->folder[i] = acc->folder[--acc->n_folders];
			break;
		}
	if (acc->selected == f)
		acc->selected = NULL;
	if (acc->watcher != NULL)
		watch_forget(acc->watcher, f->id);
	folder_free(f);
}

/* INBOX is one mailbox however it is written (RFC 9051 5.1); Yahoo writes Inbox. */
static bool
same_mailbox(struct str a, struct str b)
{
	return str_eq(a, b) ||
	    (str_ieq(a, STR("INBOX")) && str_ieq(b, STR("INBOX")));
}

struct folder *
account_by_wire(const struct account *acc, struct str wire)
{
	for (size_t i = 0; i < acc->n_folders; i++)
		if (acc->folder[i]->wire != NULL &&
		    same_mailbox(str_z(acc->folder[i]->wire), wire))
			return acc->folder[i];
	return NULL;
}

struct folder *
account_by_path(const struct account *acc, const char *path)
{
	for (size_t i = 0; i < acc->n_folders; i++)
		if (strcmp(acc->folder[i]->path, path) == 0)
			return acc->folder[i];
	return NULL;
}

struct folder *
account_by_id(const struct account *acc, int64_t id)
{
	for (size_t i = 0; i < acc->n_folders; i++)
		if (acc->folder[i]->id == id)
			return acc->folder[i];
	return NULL;
}

struct folder *
account_by_use(const struct account *acc, unsigned attr)
{
	for (size_t i = 0; i < acc->n_folders; i++)
		if ((acc->folder[i]->attrs & attr) &&
		    acc->folder[i]->wire != NULL && !acc->folder[i]->missing)
			return acc->folder[i];
	return NULL;
}

bool
account_two_way(const struct account *acc)
{
	return acc->conf->protocol == PROTOCOL_IMAP;
}

bool
account_dirty(const struct account *acc)
{
	if (acc->tree_remote || acc->tree_local)
		return true;
	for (size_t i = 0; i < acc->n_folders; i++) {
		const struct folder *f = acc->folder[i];

		if (folder_active(f) && f->dirty && !f->skip)
			return true;
	}
	return false;
}

struct tally
tally_since(const struct tally *was, const struct tally *now)
{
	return (struct tally){
		.downloaded = now->downloaded - was->downloaded,
		.uploaded = now->uploaded - was->uploaded,
		.flags_local = now->flags_local - was->flags_local,
		.flags_remote = now->flags_remote - was->flags_remote,
		.deleted_local = now->deleted_local - was->deleted_local,
		.deleted_remote = now->deleted_remote - was->deleted_remote,
		.moved = now->moved - was->moved,
		.refused = now->refused - was->refused,
		.kept = now->kept - was->kept,
		.bytes_down = now->bytes_down - was->bytes_down,
		.bytes_up = now->bytes_up - was->bytes_up,
	};
}

int
account_audit(struct account *acc, const char *op, const struct folder *f,
    const struct msg_row *row, const char *reason, struct err *err)
{
	struct audit_row audit = {
		.when = clock_wall(),
		.op = str_z(op),
		.folder = str_z(f->name),
		.reason = str_z(reason),
	};

	if (row != NULL) {
		audit.msg = row->id;
		audit.uid = row->uid;
		audit.msgid = row->msgid;
		audit.subject = row->subject;
	}
	return store_audit(acc->store, &audit, err);
}

int
account_begin(struct account *acc, struct err *err)
{
	return store_begin(acc->store, err);
}

int
account_join(struct account *acc, struct err *err)
{
	return store_in_transaction(acc->store) ? 0 : account_begin(acc, err);
}

/* A row's keyword bits mean nothing without their names, so the names go with the
 * first commit that may have used them. */
static int
save_keywords(struct account *acc, struct err *err)
{
	for (size_t i = 0; i < acc->n_folders; i++) {
		const struct folder *f = acc->folder[i];

		if (f->loaded && f->id != 0 && f->kw.n > f->kw_stored &&
		    store_kw_save(acc->store, f->id, &f->kw, err) < 0)
			return -1;
	}
	return 0;
}

static int
commit(struct account *acc, struct err *err)
{
	if (dirsync_all(acc, err) < 0 || save_keywords(acc, err) < 0 ||
	    store_commit(acc->store, err) < 0) {
		store_rollback(acc->store);
		/* What a disk did with it nobody knows: not even the end of our
		 * deliveries is noted.  The next one of us settles them. */
		acc->delivering = false;
		return -1;
	}
	for (size_t i = 0; i < acc->n_folders; i++)
		if (acc->folder[i]->loaded && acc->folder[i]->id != 0)
			acc->folder[i]->kw_stored = acc->folder[i]->kw.n;
	return 0;
}

int
account_end(struct account *acc, int r, struct err *err)
{
	if (r >= 0)
		return store_in_transaction(acc->store) ?
		    commit(acc, err) : 0;
	store_rollback(acc->store);
	return -1;
}
