/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/memoryfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOUNT "/dev/shm"
#define MEMORY_SIZE (64u << 20)
#define FIRST_DESCRIPTOR 100000
#define DESCRIPTORS_MAX 256
#define LISTS_MAX 64
#define LINKS_MAX 40 /* as in the kernel */
#define DEVICE 0x2a

/* ---- nodes ---- */

struct node {
	mode_t mode; /* the type, and permissions that are only reported */
	ino_t inode;
	struct node *parent; /* NULL: removed, or the top */
	struct node *next, *children;
	uint64_t order; /* in the directory: entries are listed in the order they were added */
	char *name;
	size_t name_length;
	uint32_t hash; /* of the name */
	char *data;    /* of a file, or the target of a link with its NUL */
	size_t size, capacity;
};

/* Nothing is freed before a reset, so that an open file may be removed. */
static _Alignas(16) char bytes[MEMORY_SIZE];
static struct memory {
	size_t used; /* of bytes */
	uint64_t order;
	ino_t inode;
	struct node top;
} memory = {.inode = 2, .top = {.mode = S_IFDIR | 0777, .inode = 1}};
static struct memory kept;
static char *kept_bytes;

static struct descriptor {
	struct node *node; /* NULL: closed */
	int flags;
	size_t position;
} descriptors[DESCRIPTORS_MAX];

static struct list {
	bool in_use;
	int fd;
	uint64_t order; /* of the last entry returned */
	struct dirent entry;
} lists[LISTS_MAX];

static int fail(int error)
{
	errno = error;
	return -1;
}

static void *allocate(size_t size)
{
	void *ret = bytes + memory.used;

	size = (size + 15) & ~(size_t)15;
	if (size > MEMORY_SIZE - memory.used) {
		fprintf(stderr, "memoryfs: one input needs too much memory\n");
		abort();
	}
	memory.used += size;
	return ret;
}

void memoryfs_keep(void)
{
	free(kept_bytes);
	kept_bytes = malloc(memory.used + 1);
	if (!kept_bytes)
		abort();
	memcpy(kept_bytes, bytes, memory.used);
	kept = memory;
}

void memoryfs_reset(void)
{
	for (size_t i = 0; i < DESCRIPTORS_MAX; i++) {
		if (!descriptors[i].node)
			continue;
		fprintf(stderr, "memoryfs: does not hold: descriptor of '%s' is closed\n",
			descriptors[i].node->name ? descriptors[i].node->name : "");
		abort();
	}
	memory = kept;
	memcpy(bytes, kept_bytes, kept.used);
}

/* Not memcmp(3), whose arguments the fuzzer would record, and which the sanitizer slows down. */
static bool is_same(const char *a, const char *b, size_t length)
{
	while (length && *a == *b)
		a++, b++, length--;
	return length == 0;
}

static uint32_t hash_add(uint32_t hash, char c)
{
	return hash * 31 + (unsigned char)c;
}

static struct node *find_child(const struct node *directory, const char *name, size_t length,
			       uint32_t hash)
{
	struct node *child = directory->children;

	while (child && (child->hash != hash || child->name_length != length ||
			 !is_same(child->name, name, length)))
		child = child->next;
	return child;
}

/* Children are in the order they were added, the last first. */
static void add_child(struct node *directory, struct node *child, const char *name, size_t length)
{
	child->name = allocate(length + 1);
	memcpy(child->name, name, length);
	child->name[length] = '\0';
	child->name_length = length;
	child->hash = 0;
	for (size_t i = 0; i < length; i++)
		child->hash = hash_add(child->hash, name[i]);
	child->order = ++memory.order;
	child->parent = directory;
	child->next = directory->children;
	directory->children = child;
}

static void remove_child(struct node *child)
{
	struct node **link = &child->parent->children;

	while (*link != child)
		link = &(*link)->next;
	*link = child->next;
	child->parent = NULL;
}

static void set_size(struct node *node, size_t size)
{
	char *data = node->data;

	if (size > node->capacity) {
		node->capacity = size < 64 ? 64 : size * 2;
		node->data = allocate(node->capacity);
		memcpy(node->data, data ? data : "", node->size);
	}
	if (size > node->size)
		memset(node->data + node->size, 0, size - node->size);
	node->size = size;
}

/* ---- paths ---- */

/* Where a path leads. The entry NAME of PARENT need not exist: then NODE is NULL. */
struct place {
	struct node *node, *parent;
	const char *name; /* in buffer */
	size_t name_length;
	bool slash; /* the path ends with one */
	char buffer[2 * PATH_MAX];
};

static bool is_mounted(const char *path)
{
	const char *mount = MOUNT;

	while (*mount && *mount == *path)
		mount++, path++;
	return !*mount && (!*path || *path == '/');
}

static struct descriptor *descriptor_of(int fd)
{
	if (fd < FIRST_DESCRIPTOR || fd >= FIRST_DESCRIPTOR + DESCRIPTORS_MAX ||
	    !descriptors[fd - FIRST_DESCRIPTOR].node)
		return NULL;
	return &descriptors[fd - FIRST_DESCRIPTOR];
}

/* Whether PATH, relative to AT, is in this tree. */
static bool is_here(int at, const char *path)
{
	return *path == '/' ? is_mounted(path) : descriptor_of(at) != NULL;
}

/* Replaces the rest of the path at *REST by TARGET and what follows the link. */
static int follow(struct place *place, char **rest, const char *target)
{
	size_t target_length = strlen(target), length = strlen(*rest);

	if (target_length + length + 2 > sizeof(place->buffer))
		return ENAMETOOLONG;
	memmove(place->buffer + target_length, *rest, length + 1);
	memcpy(place->buffer, target, target_length);
	*rest = place->buffer;
	return 0;
}

/* Resolves place->buffer from AT. With ROOT no path leaves it, as with RESOLVE_IN_ROOT. Returns 0
 * or an errno. */
static int walk(struct place *place, struct node *at, struct node *root, bool follow_last,
		bool no_links)
{
	char *rest = place->buffer, *end;
	unsigned links = 0;
	uint32_t hash;
	int error;

	for (;; rest = end) {
		if (*rest == '/' && rest == place->buffer) {
			if (!root && !is_mounted(rest))
				return ENOENT; /* links out of the tree lead nowhere */
			rest += root ? 0 : strlen(MOUNT);
			at = root ? root : &memory.top;
		}
		while (*rest == '/')
			rest++;
		hash = 0;
		for (end = rest; *end && *end != '/'; end++)
			hash = hash_add(hash, *end);
		place->name = rest;
		place->name_length = (size_t)(end - rest);
		if (!S_ISDIR(at->mode))
			return ENOTDIR;
		place->slash = *end == '/';
		if (!place->name_length) {
			place->node = at;
			return 0;
		}
		if (place->name_length > NAME_MAX)
			return ENAMETOOLONG;
		if (rest[0] == '.' && (end == rest + 1 || (end == rest + 2 && rest[1] == '.'))) {
			if (place->name_length == 2 && at != root) {
				if (!at->parent)
					return ENOENT;
				at = at->parent;
			}
			continue;
		}
		place->parent = at;
		place->node = find_child(at, rest, place->name_length, hash);
		while (end[0] == '/' && end[1] == '/')
			end++;
		if (!place->node)
			return end[0] && end[1] ? ENOENT : 0;
		if (S_ISLNK(place->node->mode) && (*end || follow_last)) {
			if (no_links || ++links > LINKS_MAX)
				return ELOOP;
			error = follow(place, &end, place->node->data);
			if (error)
				return error;
			continue;
		}
		if (!*end)
			return 0;
		at = place->node;
	}
}

static int set_path(struct place *place, const char *path)
{
	size_t length = strnlen(path, PATH_MAX);

	place->node = place->parent = NULL;
	memcpy(place->buffer, path, length);
	place->buffer[length] = '\0';
	return !length ? ENOENT : length < PATH_MAX ? 0 : ENAMETOOLONG;
}

/* Resolves PATH, which is_here, and returns 0 or an errno: 0 with place->node NULL if only the last
 * component does not exist. */
static int find(struct place *place, int at, const char *path, bool follow_last)
{
	struct descriptor *directory = descriptor_of(at);
	int error = set_path(place, path);

	return error ? error
		     : walk(place, directory ? directory->node : &memory.top, NULL, follow_last,
			    false);
}

/* Like find, but sets errno and returns NULL if there is no such entry. */
static struct node *find_node(int at, const char *path, bool follow_last)
{
	struct place place;
	int error = find(&place, at, path, follow_last);

	errno = error ? error : ENOENT;
	return error ? NULL : place.node;
}

static struct node *create(struct place *place, mode_t mode)
{
	struct node *node = allocate(sizeof(*node));

	*node = (struct node){.mode = mode, .inode = ++memory.inode};
	add_child(place->parent, node, place->name, place->name_length);
	return node;
}

/* ---- descriptors ---- */

static int open_node(struct node *node, int flags)
{
	for (int i = 0; i < DESCRIPTORS_MAX; i++) {
		if (descriptors[i].node)
			continue;
		descriptors[i] = (struct descriptor){.node = node, .flags = flags};
		return FIRST_DESCRIPTOR + i;
	}
	return fail(EMFILE);
}

static int check_open(const struct node *node, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if ((flags & O_DIRECTORY) && !S_ISDIR(node->mode))
		return ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if (S_ISLNK(node->mode))
		return ELOOP; /* O_NOFOLLOW */
	if (S_ISDIR(node->mode) && (writes || (flags & O_CREAT)))
		return EISDIR;
	/* without O_NONBLOCK the kernel would wait for the other end */
	if (S_ISSOCK(node->mode) || (S_ISFIFO(node->mode) && (writes || !(flags & O_NONBLOCK))))
		return ENXIO;
	return 0;
}

static int open_place(struct place *place, int error, int flags, mode_t mode)
{
	if (error)
		return fail(error);
	if (!place->node) {
		if (!(flags & O_CREAT) || (flags & O_PATH))
			return fail(ENOENT);
		if (place->slash)
			return fail(EISDIR);
		return open_node(create(place, S_IFREG | mode), flags);
	}
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return fail(EEXIST);
	error = check_open(place->node, flags);
	if (error)
		return fail(error);
	if ((flags & O_TRUNC) && S_ISREG(place->node->mode) && !(flags & O_PATH))
		place->node->size = 0;
	return open_node(place->node, flags);
}

static int open_here(int at, const char *path, int flags, mode_t mode)
{
	bool follow_last = !(flags & O_NOFOLLOW) &&
			   (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
	struct place place;
	int error = find(&place, at, path, follow_last);

	return open_place(&place, error, flags, mode);
}

WRAP(int, open, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	return is_here(AT_FDCWD, path) ? open_here(AT_FDCWD, path, flags, mode)
				       : real_open(path, flags, mode);
}

WRAP(int, openat, int at, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	return is_here(at, path) ? open_here(at, path, flags, mode)
				 : real_openat(at, path, flags, mode);
}

static long open_resolved(int at, const char *path, const struct open_how *how)
{
	struct node *start = descriptor_of(at)->node;
	bool in_root = how->resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH);
	struct place place;
	int error = set_path(&place, path);

	if (!error)
		error = walk(&place, start, in_root ? start : NULL, !(how->flags & O_NOFOLLOW),
			     how->resolve & RESOLVE_NO_SYMLINKS);
	return open_place(&place, error, (int)how->flags, (mode_t)how->mode);
}

WRAP(long, syscall, long number, ...)
{
	long arguments[6];
	va_list args;

	va_start(args, number);
	for (size_t i = 0; i < sizeof(arguments) / sizeof(*arguments); i++)
		arguments[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_openat2 && descriptor_of((int)arguments[0]))
		return open_resolved((int)arguments[0], (const char *)arguments[1],
				     (const struct open_how *)arguments[2]);
	return real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
			    arguments[4], arguments[5]);
}

WRAP(int, close, int fd)
{
	struct descriptor *descriptor = descriptor_of(fd);

	if (!descriptor)
		return real_close(fd);
	descriptor->node = NULL;
	return 0;
}

static ssize_t read_here(struct descriptor *descriptor, void *buffer, size_t size, size_t position)
{
	const struct node *node = descriptor->node;

	if ((descriptor->flags & O_PATH) || (descriptor->flags & O_ACCMODE) == O_WRONLY)
		return fail(EBADF);
	if (S_ISDIR(node->mode))
		return fail(EISDIR);
	if (!S_ISREG(node->mode) || position >= node->size)
		return 0;
	if (size > node->size - position)
		size = node->size - position;
	memcpy(buffer, node->data + position, size);
	return (ssize_t)size;
}

WRAP(ssize_t, read, int fd, void *buffer, size_t size)
{
	struct descriptor *descriptor = descriptor_of(fd);
	ssize_t length;

	if (!descriptor)
		return real_read(fd, buffer, size);
	length = read_here(descriptor, buffer, size, descriptor->position);
	descriptor->position += length > 0 ? (size_t)length : 0;
	return length;
}

WRAP(ssize_t, pread, int fd, void *buffer, size_t size, off_t offset)
{
	struct descriptor *descriptor = descriptor_of(fd);

	return descriptor ? read_here(descriptor, buffer, size, (size_t)offset)
			  : real_pread(fd, buffer, size, offset);
}

WRAP(ssize_t, write, int fd, const void *buffer, size_t size)
{
	struct descriptor *descriptor = descriptor_of(fd);
	size_t end;

	if (!descriptor)
		return real_write(fd, buffer, size);
	if ((descriptor->flags & O_PATH) || (descriptor->flags & O_ACCMODE) == O_RDONLY)
		return fail(EBADF);
	if (descriptor->flags & O_APPEND)
		descriptor->position = descriptor->node->size;
	end = descriptor->position + size;
	if (end > descriptor->node->size)
		set_size(descriptor->node, end);
	if (size)
		memcpy(descriptor->node->data + descriptor->position, buffer, size);
	descriptor->position = end;
	return (ssize_t)size;
}

WRAP(off_t, lseek, int fd, off_t offset, int whence)
{
	struct descriptor *descriptor = descriptor_of(fd);

	if (!descriptor)
		return real_lseek(fd, offset, whence);
	if (whence == SEEK_CUR)
		offset += (off_t)descriptor->position;
	else if (whence == SEEK_END)
		offset += (off_t)descriptor->node->size;
	if (offset < 0)
		return fail(EINVAL);
	descriptor->position = (size_t)offset;
	return offset;
}

WRAP(int, ftruncate, int fd, off_t size)
{
	struct descriptor *descriptor = descriptor_of(fd);

	if (!descriptor)
		return real_ftruncate(fd, size);
	set_size(descriptor->node, (size_t)size);
	return 0;
}

WRAP(int, fsync, int fd)
{
	return descriptor_of(fd) ? 0 : real_fsync(fd);
}

WRAP(int, fchmod, int fd, mode_t mode)
{
	struct descriptor *descriptor = descriptor_of(fd);

	if (!descriptor)
		return real_fchmod(fd, mode);
	descriptor->node->mode = (descriptor->node->mode & S_IFMT) | mode;
	return 0;
}

/* Locks are granted. */
WRAP(int, fcntl, int fd, int command, ...)
{
	void *argument;
	va_list args;

	va_start(args, command);
	argument = va_arg(args, void *);
	va_end(args);
	if (!descriptor_of(fd))
		return real_fcntl(fd, command, argument);
	if (command == F_DUPFD_CLOEXEC)
		return open_node(descriptor_of(fd)->node, descriptor_of(fd)->flags);
	if (command == F_GETLK || command == F_OFD_GETLK)
		((struct flock *)argument)->l_type = F_UNLCK;
	return command == F_GETFD ? FD_CLOEXEC : 0;
}

/* ---- status ---- */

static uid_t user(void)
{
	static bool is_known;
	static uid_t user;

	if (!is_known)
		user = geteuid();
	is_known = true;
	return user;
}

static int fill_status(const struct node *node, struct stat *ret)
{
	if (!node)
		return -1;
	*ret = (struct stat){
		.st_dev = DEVICE,
		.st_ino = node->inode,
		.st_mode = node->mode,
		.st_nlink = node->parent ? 1 : 0,
		.st_uid = user(),
		.st_size = (off_t)node->size - S_ISLNK(node->mode),
		.st_blksize = 4096,
	};
	return 0;
}

WRAP(int, fstat, int fd, struct stat *ret)
{
	struct descriptor *descriptor = descriptor_of(fd);

	return descriptor ? fill_status(descriptor->node, ret) : real_fstat(fd, ret);
}

WRAP(int, fstatat, int at, const char *path, struct stat *ret, int flags)
{
	if (!is_here(at, path))
		return real_fstatat(at, path, ret, flags);
	if (!*path && (flags & AT_EMPTY_PATH))
		return fill_status(descriptor_of(at)->node, ret);
	return fill_status(find_node(at, path, !(flags & AT_SYMLINK_NOFOLLOW)), ret);
}

WRAP(int, stat, const char *path, struct stat *ret)
{
	return is_here(AT_FDCWD, path) ? fill_status(find_node(AT_FDCWD, path, true), ret)
				       : real_stat(path, ret);
}

WRAP(int, lstat, const char *path, struct stat *ret)
{
	return is_here(AT_FDCWD, path) ? fill_status(find_node(AT_FDCWD, path, false), ret)
				       : real_lstat(path, ret);
}

WRAP(int, statx, int at, const char *path, int flags, unsigned mask, struct statx *ret)
{
	struct stat status;

	if (!is_here(at, path))
		return real_statx(at, path, flags, mask, ret);
	if (wrap_fstatat(at, path, &status, flags) < 0)
		return -1;
	*ret = (struct statx){
		.stx_mask = STATX_TYPE | STATX_MODE | STATX_INO | STATX_SIZE | STATX_UID,
		.stx_mode = (uint16_t)status.st_mode,
		.stx_ino = status.st_ino,
		.stx_size = (uint64_t)status.st_size,
		.stx_uid = status.st_uid,
		.stx_nlink = 1,
		.stx_dev_minor = DEVICE,
	};
	return 0;
}

WRAP(int, faccessat, int at, const char *path, int mode, int flags)
{
	if (!is_here(at, path))
		return real_faccessat(at, path, mode, flags);
	return find_node(at, path, !(flags & AT_SYMLINK_NOFOLLOW)) ? 0 : -1;
}

WRAP(int, access, const char *path, int mode)
{
	return is_here(AT_FDCWD, path) ? wrap_faccessat(AT_FDCWD, path, mode, 0)
				       : real_access(path, mode);
}

WRAP(ssize_t, readlinkat, int at, const char *path, char *buffer, size_t size)
{
	const struct node *node;
	size_t length;

	if (!is_here(at, path))
		return real_readlinkat(at, path, buffer, size);
	node = *path ? find_node(at, path, false) : descriptor_of(at)->node;
	if (!node)
		return -1;
	if (!S_ISLNK(node->mode))
		return fail(*path ? EINVAL : ENOENT);
	length = node->size - 1;
	if (length > size)
		length = size;
	memcpy(buffer, node->data, length);
	return (ssize_t)length;
}

WRAP(ssize_t, readlink, const char *path, char *buffer, size_t size)
{
	return is_here(AT_FDCWD, path) ? wrap_readlinkat(AT_FDCWD, path, buffer, size)
				       : real_readlink(path, buffer, size);
}

/* Returns the end of the path of NODE in BUFFER, which ends at END. */
static char *put_path(const struct node *node, const char *buffer, char *end)
{
	for (; node != &memory.top; node = node->parent) {
		if (node->name_length + 1 + strlen(MOUNT) > (size_t)(end - buffer))
			return NULL;
		end -= node->name_length;
		memcpy(end, node->name, node->name_length);
		*--end = '/';
	}
	end -= strlen(MOUNT);
	return memcpy(end, MOUNT, strlen(MOUNT));
}

WRAP(char *, realpath, const char *path, char *buffer)
{
	char text[PATH_MAX] = "";
	const struct node *node;
	char *start;

	if (!is_here(AT_FDCWD, path))
		return real_realpath(path, buffer);
	node = find_node(AT_FDCWD, path, true);
	if (!node)
		return NULL;
	start = put_path(node, text, text + sizeof(text) - 1);
	if (!start) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return buffer ? strcpy(buffer, start) : strdup(start);
}

/* ---- changes ---- */

/* Finds the place for a new entry. */
static int find_free(struct place *place, int at, const char *path)
{
	int error = find(place, at, path, false);

	return error ? error : place->node ? EEXIST : 0;
}

WRAP(int, mkdirat, int at, const char *path, mode_t mode)
{
	struct place place;
	int error;

	if (!is_here(at, path))
		return real_mkdirat(at, path, mode);
	error = find_free(&place, at, path);
	if (error)
		return fail(error);
	create(&place, S_IFDIR | mode);
	return 0;
}

WRAP(int, mkdir, const char *path, mode_t mode)
{
	return is_here(AT_FDCWD, path) ? wrap_mkdirat(AT_FDCWD, path, mode)
				       : real_mkdir(path, mode);
}

WRAP(char *, mkdtemp, char *path)
{
	char *end = path + strlen(path) - 6;
	unsigned number = 0;

	if (!is_here(AT_FDCWD, path))
		return real_mkdtemp(path);
	do
		snprintf(end, 7, "%06u", number++);
	while (wrap_mkdirat(AT_FDCWD, path, 0700) < 0 && errno == EEXIST);
	return path;
}

WRAP(int, mknodat, int at, const char *path, mode_t mode, dev_t device)
{
	struct place place;
	int error;

	if (!is_here(at, path))
		return real_mknodat(at, path, mode, device);
	error = find_free(&place, at, path);
	if (error || place.slash)
		return fail(error ? error : ENOENT);
	create(&place, mode);
	return 0;
}

WRAP(int, mknod, const char *path, mode_t mode, dev_t device)
{
	return is_here(AT_FDCWD, path) ? wrap_mknodat(AT_FDCWD, path, mode, device)
				       : real_mknod(path, mode, device);
}

WRAP(int, mkfifoat, int at, const char *path, mode_t mode)
{
	return is_here(at, path) ? wrap_mknodat(at, path, S_IFIFO | mode, 0)
				 : real_mkfifoat(at, path, mode);
}

WRAP(int, symlinkat, const char *target, int at, const char *path)
{
	struct place place;
	struct node *node;
	int error;

	if (!is_here(at, path))
		return real_symlinkat(target, at, path);
	if (!*target)
		return fail(ENOENT);
	error = find_free(&place, at, path);
	if (error || place.slash)
		return fail(error ? error : ENOENT);
	node = create(&place, S_IFLNK | 0777);
	set_size(node, strlen(target) + 1);
	memcpy(node->data, target, node->size);
	return 0;
}

WRAP(int, symlink, const char *target, const char *path)
{
	return is_here(AT_FDCWD, path) ? wrap_symlinkat(target, AT_FDCWD, path)
				       : real_symlink(target, path);
}

WRAP(int, unlinkat, int at, const char *path, int flags)
{
	struct node *node;

	if (!is_here(at, path))
		return real_unlinkat(at, path, flags);
	node = find_node(at, path, false);
	if (!node)
		return -1;
	if (node == &memory.top)
		return fail(EBUSY);
	if (S_ISDIR(node->mode) != !!(flags & AT_REMOVEDIR))
		return fail(flags & AT_REMOVEDIR ? ENOTDIR : EISDIR);
	if (node->children)
		return fail(ENOTEMPTY);
	remove_child(node);
	return 0;
}

WRAP(int, unlink, const char *path)
{
	return is_here(AT_FDCWD, path) ? wrap_unlinkat(AT_FDCWD, path, 0) : real_unlink(path);
}

WRAP(int, rmdir, const char *path)
{
	return is_here(AT_FDCWD, path) ? wrap_unlinkat(AT_FDCWD, path, AT_REMOVEDIR)
				       : real_rmdir(path);
}

WRAP(int, remove, const char *path)
{
	struct stat status;

	if (!is_here(AT_FDCWD, path))
		return real_remove(path);
	if (wrap_lstat(path, &status) < 0)
		return -1;
	return wrap_unlinkat(AT_FDCWD, path, S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0);
}

static void move(struct node *node, const struct place *place)
{
	remove_child(node);
	add_child(place->parent, node, place->name, place->name_length);
}

/* Directories are not moved into themselves: no program here does. */
static int rename_here(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	struct place source, target;
	int error = find(&source, from_at, from, false);

	if (!error)
		error = find(&target, to_at, to, false);
	if (error || !source.node)
		return fail(error ? error : ENOENT);
	if (flags & RENAME_EXCHANGE) {
		if (!target.node)
			return fail(ENOENT);
		move(source.node, &target);
		move(target.node, &source);
		return 0;
	}
	if (target.node && (flags & RENAME_NOREPLACE))
		return fail(EEXIST);
	if (target.node == source.node)
		return 0;
	if (target.node && S_ISDIR(target.node->mode) != S_ISDIR(source.node->mode))
		return fail(S_ISDIR(target.node->mode) ? EISDIR : ENOTDIR);
	if (target.node && target.node->children)
		return fail(ENOTEMPTY);
	if (target.node)
		remove_child(target.node);
	move(source.node, &target);
	return 0;
}

WRAP(int, renameat2, int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	return is_here(from_at, from) ? rename_here(from_at, from, to_at, to, flags)
				      : real_renameat2(from_at, from, to_at, to, flags);
}

WRAP(int, renameat, int from_at, const char *from, int to_at, const char *to)
{
	return is_here(from_at, from) ? rename_here(from_at, from, to_at, to, 0)
				      : real_renameat(from_at, from, to_at, to);
}

WRAP(int, rename, const char *from, const char *to)
{
	return is_here(AT_FDCWD, from) ? rename_here(AT_FDCWD, from, AT_FDCWD, to, 0)
				       : real_rename(from, to);
}

/* ---- directories ---- */

static struct list *list_of(DIR *directory)
{
	struct list *list = (struct list *)(void *)directory;

	return list >= lists && list < lists + LISTS_MAX ? list : NULL;
}

WRAP(DIR *, fdopendir, int fd)
{
	struct descriptor *descriptor = descriptor_of(fd);

	if (!descriptor)
		return real_fdopendir(fd);
	if (!S_ISDIR(descriptor->node->mode) || (descriptor->flags & O_PATH)) {
		errno = S_ISDIR(descriptor->node->mode) ? EBADF : ENOTDIR;
		return NULL;
	}
	for (size_t i = 0; i < LISTS_MAX; i++) {
		if (lists[i].in_use)
			continue;
		lists[i].in_use = true;
		lists[i].fd = fd;
		lists[i].order = 0;
		return (DIR *)(void *)&lists[i];
	}
	errno = ENOMEM;
	return NULL;
}

WRAP(DIR *, opendir, const char *path)
{
	int fd;

	if (!is_here(AT_FDCWD, path))
		return real_opendir(path);
	fd = open_here(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	return fd < 0 ? NULL : wrap_fdopendir(fd);
}

/* Without "." and "..", which every caller skips. */
WRAP(struct dirent *, readdir, DIR *directory)
{
	struct list *list = list_of(directory);
	const struct node *next = NULL;

	if (!list)
		return real_readdir(directory);
	for (const struct node *child = descriptor_of(list->fd)->node->children;
	     child && child->order > list->order; child = child->next)
		next = child;
	if (!next)
		return NULL;
	list->order = next->order;
	list->entry.d_ino = next->inode;
	list->entry.d_type = (unsigned char)IFTODT(next->mode);
	memcpy(list->entry.d_name, next->name, next->name_length + 1);
	return &list->entry;
}

WRAP(void, rewinddir, DIR *directory)
{
	struct list *list = list_of(directory);

	if (list)
		list->order = 0;
	else
		real_rewinddir(directory);
}

WRAP(int, dirfd, DIR *directory)
{
	struct list *list = list_of(directory);

	return list ? list->fd : real_dirfd(directory);
}

WRAP(int, closedir, DIR *directory)
{
	struct list *list = list_of(directory);

	if (!list)
		return real_closedir(directory);
	list->in_use = false;
	return wrap_close(list->fd);
}

/* ---- streams ---- */

static ssize_t stream_read(void *cookie, char *buffer, size_t size)
{
	return wrap_read((int)(intptr_t)cookie, buffer, size);
}

static ssize_t stream_write(void *cookie, const char *buffer, size_t size)
{
	return wrap_write((int)(intptr_t)cookie, buffer, size);
}

static int stream_close(void *cookie)
{
	return wrap_close((int)(intptr_t)cookie);
}

WRAP(FILE *, fdopen, int fd, const char *mode)
{
	static const cookie_io_functions_t functions = {
		.read = stream_read, .write = stream_write, .close = stream_close};

	return descriptor_of(fd) ? fopencookie((void *)(intptr_t)fd, mode, functions)
				 : real_fdopen(fd, mode);
}

WRAP(FILE *, fopen, const char *path, const char *mode)
{
	int flags = *mode == 'r'   ? O_RDONLY
		    : *mode == 'a' ? O_WRONLY | O_CREAT | O_APPEND
				   : O_WRONLY | O_CREAT | O_TRUNC;
	int fd;

	if (!is_here(AT_FDCWD, path))
		return real_fopen(path, mode);
	fd = open_here(AT_FDCWD, path, flags, 0644);
	return fd < 0 ? NULL : wrap_fdopen(fd, mode);
}
