/* ride.h — descriptors that ride on a message of a Unix socket. */
#ifndef BASE_RIDE_H
#define BASE_RIDE_H

#include <stddef.h>

struct msghdr;

/* Let the ${n} of ${fd} go with ${msg}.  ${room} is aligned for a struct cmsghdr, has
 * CMSG_SPACE(n * sizeof(int)) bytes, and is used until the message is sent. */
void	ride_put(struct msghdr *msg, void *room, const int *fd, size_t n);
/* Those that came with ${msg}, ${most} of them at the most, to ${fd}, whose they are
 * now; any others are closed.  How many. */
size_t	ride_take(struct msghdr *msg, int *fd, size_t most);

#endif
