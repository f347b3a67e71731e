-- phpMyAdmin SQL Dump
-- version 5.2.1
-- https://www.phpmyadmin.net/
--
-- Host: 127.0.0.1
-- PHP Version: 8.2.12

SET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";
START TRANSACTION;
SET time_zone = "+00:00";


/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;

--
-- Database: `shop`
--

-- --------------------------------------------------------

CREATE TABLE `members` (
  `id` int(11) NOT NULL,
  `email` varchar(120) NOT NULL,
  `seen` timestamp NOT NULL DEFAULT current_timestamp(),
  `extra` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

--
-- Truncate table before insert `members`
--

TRUNCATE TABLE `members`;
--
-- Dumping data for table `members`
--

INSERT INTO `members` (`id`, `email`, `seen`, `extra`) VALUES
(1, 'ada@example.org', '2024-01-02 03:04:05', NULL),
(2, 'it''s \'b\', (x)@example.org', '2024-01-02 03:04:05', '{"a": 1}');

--
-- Triggers `members`
--
DELIMITER $$
CREATE TRIGGER `t` AFTER DELETE ON `members` FOR EACH ROW DELETE FROM orders WHERE member = OLD.id
$$
DELIMITER ;

CREATE TABLE `orders` (
  `no` int(11) NOT NULL,
  `code` varchar(9) DEFAULT NULL,
  `member` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

INSERT INTO `orders` (`no`, `code`, `member`) VALUES
(7, 'x', 1);

-- --------------------------------------------------------

--
-- Stand-in structure for view `looks`
-- (See below for the actual view)
--
CREATE TABLE `looks` (
`id` int(11)
,`email` varchar(120)
);

--
-- Structure for view `looks`
--
DROP TABLE IF EXISTS `looks`;

CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `looks`  AS SELECT `members`.`id` AS `id` FROM `members`;

--
-- Indexes for dumped tables
--
ALTER TABLE `members`
  ADD PRIMARY KEY (`id`),
  ADD UNIQUE KEY `mail` (`email`),
  ADD KEY `k` (`email`(10));
ALTER TABLE `members` ADD FULLTEXT KEY `f` (`email`);
ALTER TABLE `orders`
  ADD PRIMARY KEY (`no`) USING BTREE,
  ADD KEY `member` (`member`);

ALTER TABLE `members`
  MODIFY `id` int(11) NOT NULL AUTO_INCREMENT COMMENT 'its, number', AUTO_INCREMENT=3;

--
-- Constraints for dumped tables
--
ALTER TABLE `members`
  ADD CONSTRAINT `j` CHECK (json_valid(`extra`));
ALTER TABLE `orders`
  ADD CONSTRAINT `orders_ibfk_1` FOREIGN KEY (`member`) REFERENCES `members` (`id`) ON DELETE CASCADE ON UPDATE NO ACTION;
COMMIT;

/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
