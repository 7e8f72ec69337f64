/* role_command.c — a command that role.c has started, until its end. */
#include "role.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static const usec kill_grace = USEC_S(2);

void
role_command_waiters(const struct role_command *c, struct waiter w[2])
{
	w[0] = (struct waiter){ .fd = c->out, .want = WAIT_READ };
	w[1] = (struct waiter){ .fd = c->err, .want = WAIT_READ };
}

usec
role_command_deadline(const struct role_command *c)
{
	return c->pid > 0 ? c->deadline : USEC_NEVER;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
read_out(struct role_command *c)
{
	struct buf *b = &c->stdout_bytes;

	while (c->out >= 0) {
		char one;
		bool full = b->n == b->max;
		ssize_t n = full ? read(c->out, &one, 1) :
		    read(c->out, b->p + b->n, b->max - b->n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n > 0 && !full) {
			b->n += (size_t)n;
			continue;
		}
		c->overflow |= n > 0;
		close_fd(&c->out);
	}
}

/* Only the end of what it says is kept: the last line names the cause. */
static void
read_err(struct role_command *c)
{
	while (c->err >= 0) {
		char part[256];
		ssize_t r = read(c->err, part, sizeof(part));
		size_t n = r > 0 ? (size_t)r : 0, over;

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EAGAIN)
			return;
		if (n == 0) {
			close_fd(&c->err);
			return;
		}
		over = c->n_tail + n > ROLE_TAIL ? c->n_tail + n - ROLE_TAIL : 0;
		memmove(c->tail, c->tail + over, c->n_tail - over);
		c->n_tail -= over;
		memcpy(c->tail + c->n_tail, part, n);
		c->n_tail += n;
	}
}

static void
kill_group(const struct role_command *c, int sig)
{
	if (c->group > 0 && kill(-c->group, sig) < 0 && c->pid > 0)
		kill(c->pid, sig);
}

void
role_command_step(struct role_command *c)
{
	read_out(c);
	read_err(c);
	if (c->pid <= 0 || clock_now() < c->deadline)
		return;
	c->timed_out = true;
	c->killed = c->killed == 0 ? SIGTERM : SIGKILL;
	kill_group(c, c->killed);
	c->deadline = clock_in(kill_grace);
}

void
role_command_reaped(struct role_command *c, int status)
{
	/* What it left in the pipes is read; a grandchild that still holds
	 * them (gpg-agent does) is not waited for. */
	read_out(c);
	read_err(c);
	close_fd(&c->out);
	close_fd(&c->err);
	c->pid = 0;
	c->status = status;
	c->done = true;
}

int
role_command_run(struct role_command *c, const struct strlist *command,
    const struct role_env *env, size_t max_out, usec timeout, struct err *err)
{
	int status;

	if (role_command_start(c, command, env, max_out, timeout, err) < 0)
		return -1;
	while (!c->done) {
		struct waiter w[2];

		role_command_waiters(c, w);
		/* Its end makes no descriptor ready when a grandchild holds
		 * them, so it is asked for, too. */
		if (wait_any(w, 2, clock_in(USEC_MS(50)), err) < 0) {
			role_command_clear(c);
			return -1;
		}
		role_command_step(c);
		if (waitpid(c->pid, &status, WNOHANG) == c->pid)
			role_command_reaped(c, status);
	}
	return 0;
}

void
role_command_clear(struct role_command *c)
{
	if (c->pid > 0)
		kill_group(c, SIGKILL);
	close_fd(&c->out);
	close_fd(&c->err);
	if (c->stdout_bytes.p != NULL)
		explicit_bzero(c->stdout_bytes.p, c->stdout_bytes.cap);
	buf_clear(&c->stdout_bytes);
	*c = (struct role_command){ .out = -1, .err = -1 };
}
