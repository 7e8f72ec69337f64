/* progress.c — a page shared with a worker, and what stands on it. */
#include "progress.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "js.h"

static const char *const words[N_PHASES] = {
	[PHASE_START] = "starting",
	[PHASE_IDLE] = "idle",
	[PHASE_CONNECT] = "connecting",
	[PHASE_LIST] = "listing folders",
	[PHASE_COMPARE] = "comparing",
	[PHASE_APPLY] = "applying changes",
	[PHASE_DOWNLOAD] = "downloading",
	[PHASE_UPLOAD] = "uploading"
};

static struct progress *
map(int fd)
{
	void *at = mmap(NULL, sizeof(struct progress), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	return at != MAP_FAILED ? at : NULL;
}

int
progress_page_open(struct progress_page *page, struct err *err)
{
	if (page->at != NULL) {
		memset(page->at, 0, sizeof(*page->at));
		return 0;
	}
	page->fd = memfd_create("syncd-progress", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (page->fd >= 0 && ftruncate(page->fd, sizeof(*page->at)) == 0 &&
	    fcntl(page->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_SEAL) == 0 && (page->at = map(page->fd)) != NULL)
		return 0;
	err_sys(err, ERR_RETRY, "internal.role", "progress page");
	progress_page_close(page);
	return -1;
}

void
progress_page_close(struct progress_page *page)
{
	if (page->at != NULL)
		munmap(page->at, sizeof(*page->at));
	if (page->fd >= 0)
		close(page->fd);
	*page = (struct progress_page){ .fd = -1 };
}

struct progress *
progress_page_inherited(void)
{
	struct progress *at;
	struct stat st;

	if (fstat(PROGRESS_FD, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size != sizeof(*at))
		return NULL;
	at = map(PROGRESS_FD);
	close(PROGRESS_FD);
	return at;
}

struct progress
progress_read(const struct progress_page *page)
{
	struct progress p = { .phase = PHASE_IDLE };

	if (page->at == NULL)
		return p;
	p = *page->at;
	p.folder[sizeof(p.folder) - 1] = '\0';
	if (p.phase >= N_PHASES)
		p.phase = PHASE_IDLE;
	return p;
}

json_t *
progress_json(const struct progress *p)
{
	if (p->phase == PHASE_IDLE)
		return NULL;
	return json_pack("{s:s, s:o, s:I, s:I, s:I}", "phase", progress_word(p),
	    "folder", js_text(str_z(p->folder)), "done", (json_int_t)p->done,
	    "total", (json_int_t)p->total, "bytes", (json_int_t)p->bytes);
}

struct progress
progress_from_json(const json_t *v)
{
	const char *word = js_get(v, "phase"), *folder = js_get(v, "folder");
	struct progress p = {
		.phase = PHASE_IDLE,
		.done = (uint64_t)js_int(v, "done", 0),
		.total = (uint64_t)js_int(v, "total", 0),
		.bytes = (uint64_t)js_int(v, "bytes", 0)
	};

	for (uint32_t i = 0; i < N_PHASES && word != NULL; i++)
		if (strcmp(words[i], word) == 0)
			p.phase = i;
	snprintf(p.folder, sizeof(p.folder), "%s", folder != NULL ? folder : "");
	return p;
}

const char *
progress_word(const struct progress *p)
{
	return words[p->phase];
}

void
progress_text(const struct progress *p, char *out, size_t cap)
{
	int n;

	out[0] = '\0';
	if (p->phase == PHASE_IDLE)
		return;
	n = snprintf(out, cap, "%s%s%s", progress_word(p),
	    p->folder[0] != '\0' ? " " : "", p->folder);
	if (p->total > 0 && n > 0 && (size_t)n < cap)
		snprintf(out + n, cap - (size_t)n, ", %" PRIu64 " of %" PRIu64,
		    p->done, p->total);
}
