-- Adminer 4.8.1 MySQL 5.5.5-10.4.24-MariaDB dump

SET NAMES utf8;
SET time_zone = '+00:00';
SET foreign_key_checks = 0;
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';

DROP VIEW IF EXISTS `looks`;
CREATE TABLE `looks` (`id` int(11), `e` enum('a','b'));


SET NAMES utf8mb4;

DROP TABLE IF EXISTS `members`;
CREATE TABLE `members` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `email` varchar(120) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

TRUNCATE `members`;
INSERT INTO `members` (`id`, `email`) VALUES
(1,	'ada@example.org'),
(2,	'it\'s \'b\', (x)@example.org')
ON DUPLICATE KEY UPDATE `id` = VALUES(`id`), `email` = VALUES(`email`);

DROP TABLE IF EXISTS `looks`;
CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `looks` AS select `id` from `members`;

-- 2022-06-20 15:58:28